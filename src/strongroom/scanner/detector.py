"""The detector: the rule for one kind of secret, read from TOML.

A file holds `[[detector]]` tables (docs/scanner/detectors.md). Whatever is
unknown, missing or of the wrong type is an error that names the file, the
detector and the nearest known key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("precise", "context", "generic")
CONFIDENCE = ("high", "medium", "low")
SEVERITY = ("critical", "high", "medium", "low")
CHARSETS = ("digit", "upper", "lower", "letter")

_ID = re.compile(r"[a-z0-9][a-z0-9_]*\.[a-z0-9][a-z0-9_]*")


class Detector(NamedTuple):
    """One kind of secret. `pattern`'s group 1, or all of `value`, is the secret.

    `min_entropy` is in bits per character. `verify` and `revoke` are the live
    calls as data; `names` are lower case. `scan` is what to look for where the
    pattern itself would be dear: every match holds it.
    """

    id: str
    name: str
    kind: str
    confidence: str
    severity: str
    advice: str
    pattern: str = ""
    keywords: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    value: str = ""
    min_entropy: float = 0.0
    checksum: str = ""
    docs: str = ""
    playbook: str = ""
    allow: tuple[str, ...] = ()
    charset_require: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    non_matches: tuple[str, ...] = ()
    verify: dict[str, Any] | None = None
    revoke: dict[str, Any] | None = None
    scan: str = ""

    @property
    def provider(self) -> str:
        """The part of the id before the dot: the file's stem."""
        return self.id.partition(".")[0]


_TEXT = {
    "id",
    "name",
    "kind",
    "confidence",
    "severity",
    "advice",
    "pattern",
    "value",
    "checksum",
    "docs",
    "playbook",
    "scan",
}
_LISTS = {"keywords", "names", "allow", "charset_require", "matches", "non_matches"}
_TABLES = {"verify", "revoke"}
_NEEDED = ("id", "name", "confidence", "severity", "advice")
_EXAMPLES = ("matches", "non_matches")
_CALL_TEXT = {"method", "url", "body", "live_body", "dead_body", "sign", "effects"}
_CALL_NUMBERS = {"live", "dead", "done"}
_CALL_TABLES = {"headers", "with", "near", "parts"}
_CALL_LISTS = {"reach", "hosts"}
_CALL_KEYS = _CALL_TEXT | _CALL_NUMBERS | _CALL_TABLES | _CALL_LISTS


def load(path: Path) -> list[Detector]:
    """Read one detector file. Raises InvalidRequest with all that is wrong in the first bad detector."""
    return parse(path.read_text("utf-8"), path.name)


def parse(text: str, source: str) -> list[Detector]:
    """Read detectors from TOML `text`; `source` names it in errors."""
    import tomllib  # noqa: PLC0415 (only when no compiled rules are cached)

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{source}: not TOML: {error}") from error
    if unknown := set(document) - {"detector"}:
        raise InvalidRequest(f"{source}: {_unknown(unknown.pop(), {'detector'})}")
    return [
        _detector(table, f"{source}: detector {n}") for n, table in enumerate(document.get("detector", ()), 1)
    ]


def _unknown(key: str, known: set[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 (for an error only)

    near = get_close_matches(key, sorted(known), 1)
    return f"unknown key `{key}`" + (
        f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(sorted(known))}"
    )


def _detector(table: dict[str, Any], where: str) -> Detector:
    if isinstance(table.get("id"), str):
        where = f"{where} ({table['id']})"
    fields = {key: _field(key, value, where) for key, value in table.items()}
    fields.setdefault("kind", "context" if "names" in fields else "precise")
    for key in _NEEDED if fields["kind"] == "generic" else _NEEDED + _EXAMPLES:
        if not fields.get(key):
            raise InvalidRequest(f"{where}: `{key}` is missing or empty")
    detector = Detector(**fields)
    for problem in _problems(detector):
        raise InvalidRequest(f"{where}: {problem}")
    return detector


def _field(key: str, value: Any, where: str) -> Any:
    if key in _TEXT and isinstance(value, str):
        return value
    if key in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if key == "min_entropy" and isinstance(value, int | float):
        return float(value)
    if key in _TABLES and isinstance(value, dict):
        return _call(value, f"{where}, {key}")
    known = _TEXT | _LISTS | _TABLES | {"min_entropy"}
    raise InvalidRequest(
        f"{where}: " + (f"`{key}` has the wrong type" if key in known else _unknown(key, known))
    )


def _call(table: dict[str, Any], where: str) -> dict[str, Any]:
    for key, value in table.items():
        if key not in _CALL_KEYS:
            raise InvalidRequest(f"{where}: {_unknown(key, _CALL_KEYS)}")
        kind = str if key in _CALL_TEXT else dict if key in _CALL_TABLES else list
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        member = int if key in _CALL_NUMBERS else str
        if not isinstance(value, kind) or not all(isinstance(item, member) for item in items):
            raise InvalidRequest(f"{where}: `{key}` has the wrong type")
    for key in ("method", "url"):
        if not table.get(key):
            raise InvalidRequest(f"{where}: `{key}` is missing")
    return table


def _problems(d: Detector) -> list[str]:
    """Say what a detector with the right types still gets wrong."""
    found = [
        f"`{key}` is `{value}`, not one of {', '.join(known)}"
        for key, value, known in (
            ("kind", d.kind, KINDS),
            ("confidence", d.confidence, CONFIDENCE),
            ("severity", d.severity, SEVERITY),
        )
        if value not in known
    ]
    if not _ID.fullmatch(d.id):
        found.append("`id` is not <file stem>.<snake_case kind>")
    found += [
        f"`charset_require` names `{c}`; known: {', '.join(CHARSETS)}"
        for c in d.charset_require
        if c not in CHARSETS
    ]
    found += _SHAPES[d.kind](d) if d.kind in _SHAPES else []
    for text in d.allow:
        found += _pattern_problems("allow", text, groups=0)
    return found


def _precise_problems(d: Detector) -> list[str]:
    found = []
    if not d.pattern or d.names or d.value:
        found.append(
            f'a {d.kind} detector has `pattern`, not `names` and `value`: those need kind = "context"'
        )
    if d.kind == "precise" and not d.keywords:
        found.append("`keywords` is missing: each match contains one of them")
    found += [f"keyword `{k}` is shorter than 3 characters" for k in d.keywords if len(k) < 3]
    found += _pattern_problems("scan", d.scan, groups=0)
    return found + _pattern_problems("pattern", d.pattern, groups=1)


def _context_problems(d: Detector) -> list[str]:
    found = []
    if not d.names or not d.value or d.pattern or d.keywords:
        found.append("a context detector has `names` and `value`, and neither `pattern` nor `keywords`")
    found += [
        f"name `{n}` is not lower case, 3 characters or more" for n in d.names if n != n.lower() or len(n) < 3
    ]
    return found + _pattern_problems("value", d.value, groups=0)


def _generic_problems(d: Detector) -> list[str]:
    """A generic detector is found by code; its entry says what it is called and what to do."""
    given = [key for key in ("pattern", "names", "value", "keywords") if getattr(d, key)]
    return [f"a generic detector has no {', '.join(given)}"] if given else []


_SHAPES = {"precise": _precise_problems, "context": _context_problems, "generic": _generic_problems}

_FORBIDDEN = {
    "ASSERT": "look-around",
    "ASSERT_NOT": "look-around",
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a conditional group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
}


def _pattern_problems(key: str, text: str, *, groups: int) -> list[str]:
    """Say why `text` is no pattern for both engines; `groups` capturing ones are needed at least."""
    try:
        compiled = re.compile(text.encode())
    except re.error as error:
        return [f"`{key}` does not compile: {error}"]
    found = [f"`{key}` has no group 1"] if compiled.groups < groups else []
    return found + [f"`{key}` has {_FORBIDDEN[name]}" for name in _operators(text) if name in _FORBIDDEN]


def _operators(text: str) -> set[str]:
    """Names of the operators in a pattern, as Python's own parser sees them."""
    from re import _parser  # noqa: PLC0415 (private: the only parser there is)

    names: set[str] = set()
    rest: list[Any] = [_parser.parse(text.encode())]
    while rest:
        node = rest.pop()
        if isinstance(node, tuple) and node and hasattr(node[0], "name"):
            names.add(node[0].name)
        if isinstance(node, _parser.SubPattern | tuple | list):
            rest.extend(node)
    return names
