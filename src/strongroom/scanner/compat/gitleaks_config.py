"""gitleaks' configuration: rules, allowlists and what a file extends, in the old and the new spelling.

Keys are read in any case, as gitleaks does. What betterleaks added (`prefilter`,
`filter`) is read too (expressions.py); its live checks are not run: our own
detectors have theirs. Source: gitleaks' README and `config/config.go`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import expressions, re2

DEEPEST = 2  # files that extend one another

Pattern = re.Pattern[bytes]


class Allow(NamedTuple):
    """One allowlist: any of its conditions allows, or all of them where `every`."""

    every: bool = False
    commits: frozenset[str] = frozenset()
    paths: tuple[Pattern, ...] = ()
    target: str = "secret"
    regexes: tuple[Pattern, ...] = ()
    stopwords: tuple[str, ...] = ()
    rules: frozenset[str] = frozenset()


class Required(NamedTuple):
    """Another rule that must match nearby; -1: anywhere in the file."""

    id: str
    lines: int = -1
    columns: int = -1


class Rule(NamedTuple):
    """One rule; `group` 0 means the first group that matched."""

    id: str
    description: str = ""
    regex: Pattern | None = None
    source: str = ""
    path: Pattern | None = None
    group: int = 0
    entropy: float = 0.0
    keywords: tuple[bytes, ...] = ()
    tags: tuple[str, ...] = ()
    silent: bool = False
    required: tuple[Required, ...] = ()
    allows: tuple[Allow, ...] = ()
    filter: expressions.Expression | None = None


class Config(NamedTuple):
    """A whole configuration; `builtin` adds our own detectors, but for those in `disabled`."""

    rules: dict[str, Rule]
    allows: tuple[Allow, ...] = ()
    builtin: bool = False
    disabled: frozenset[str] = frozenset()
    prefilter: expressions.Expression | None = None
    filter: expressions.Expression | None = None
    path: str = ""  # the file it was read from


DEFAULT = Config({}, builtin=True)


def find(path: str, target: str) -> Config:
    """Read the configuration where gitleaks looks: `path`, two variables, the target's file, the default."""
    named = path or os.environ.get("GITLEAKS_CONFIG", "")
    if named:
        return load(named)._replace(path=named)
    if text := os.environ.get("GITLEAKS_CONFIG_TOML"):
        return parse(text, "GITLEAKS_CONFIG_TOML", ".")
    for name in (".gitleaks.toml", ".betterleaks.toml"):
        beside = Path(target, name)
        if beside.is_file():
            return load(str(beside))._replace(path=str(beside))
    return DEFAULT


def load(path: str, depth: int = 0) -> Config:
    """Read a configuration file. Raises InvalidRequest with what is wrong in it."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    return parse(text, path, str(Path(path).parent), depth)


def parse(text: str, source: str, folder: str, depth: int = 0) -> Config:
    """Read a configuration; `folder` is where relative paths in `extend` start besides the current folder."""
    import tomllib  # noqa: PLC0415 (this mode only)

    try:
        document = _lower(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{source}: not TOML: {error}") from error
    extend = document.get("extend", {})
    base = _base(extend, source, folder, depth)
    rules = dict(base.rules)
    for number, table in enumerate(document.get("rules", ()), 1):
        rule = _rule(table, f"{source}: rule {number}", rules.get(str(table.get("id", ""))))
        rules[rule.id] = rule
    disabled = base.disabled | set(extend.get("disabledrules", ()))
    allows = [*base.allows, *(_allow(table, source) for table in _tables(document, "allowlist"))]
    return Config(
        {id: _with_targets(rule, allows) for id, rule in rules.items() if id not in disabled},
        tuple(allow for allow in allows if not allow.rules),
        bool(extend.get("usedefault", base.builtin)) or base.builtin,
        frozenset(disabled),
        _expression(document, "prefilter", source) or base.prefilter,
        _expression(document, "filter", source) or base.filter,
    )


def _base(extend: dict[str, Any], source: str, folder: str, depth: int) -> Config:
    """What the configuration extends."""
    if extend.get("url"):
        raise InvalidRequest(f"{source}: [extend] url: fetch it, pin it, and name it as `path`")
    path = extend.get("path")
    if not path:
        return Config({})
    if depth >= DEEPEST:
        raise InvalidRequest(f"{source}: [extend]: more than {DEEPEST} files deep")
    return load(path if os.path.exists(path) else os.path.join(folder, path), depth + 1)  # noqa: PTH110, PTH118


def _with_targets(rule: Rule, allows: list[Allow]) -> Rule:
    aimed = tuple(allow for allow in allows if rule.id in allow.rules)
    return rule._replace(allows=rule.allows + aimed) if aimed else rule


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): _lower(inner) for key, inner in value.items()}
    return [_lower(inner) for inner in value] if isinstance(value, list) else value


def _tables(table: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Allowlists: `[[allowlists]]`, or the one `[allowlist]` of old files."""
    old = table.get(name)
    return [*([old] if isinstance(old, dict) else old or ()), *table.get(name + "s", ())]


def _rule(table: dict[str, Any], where: str, base: Rule | None) -> Rule:
    id = str(table.get("id", "")).strip()
    if not id:
        raise InvalidRequest(f"{where}: `id` is missing")
    where = f"{where} ({id})"
    rule = base or Rule(id)
    given: dict[str, Any] = _patterns(table, where) | {
        field: table[key] for key, field in _PLAIN.items() if key in table
    }
    if "keywords" in table:
        given["keywords"] = tuple(str(word).lower().encode() for word in table["keywords"])
    given["tags"] = rule.tags + tuple(table.get("tags", ()))
    given["silent"] = bool(table.get("skipreport", rule.silent))
    given["allows"] = rule.allows + tuple(_allow(t, where) for t in _tables(table, "allowlist"))
    given["required"] = rule.required + tuple(map(_required, table.get("required", ())))
    given["filter"] = _expression(table, "filter", where) or rule.filter
    return _checked(rule._replace(**given), where)


_PLAIN = {"secretgroup": "group", "entropy": "entropy", "description": "description"}


def _patterns(table: dict[str, Any], where: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    try:
        if "regex" in table:
            given |= {"regex": re2.compile_go(table["regex"]), "source": re2.translate(table["regex"])}
        if "path" in table:
            given["path"] = re2.compile_go(table["path"])
    except InvalidRequest as error:
        raise InvalidRequest(f"{where}: {error}") from error
    return given


def _required(table: dict[str, Any]) -> Required:
    return Required(str(table["id"]), int(table.get("withinlines", -1)), int(table.get("withincolumns", -1)))


def _checked(rule: Rule, where: str) -> Rule:
    if rule.regex is None and rule.path is None:
        raise InvalidRequest(f"{where}: neither `regex` nor `path`")
    if rule.regex is not None and rule.group > rule.regex.groups:
        raise InvalidRequest(f"{where}: `secretGroup` is {rule.group}, the pattern has {rule.regex.groups}")
    return rule


def _allow(table: dict[str, Any], where: str) -> Allow:
    condition = str(table.get("condition", "OR")).upper()
    if condition not in ("OR", "AND", "||", "&&"):
        raise InvalidRequest(f"{where}: allowlist: `condition` is OR or AND")
    target = str(table.get("regextarget", "")) or "secret"
    if target not in ("secret", "match", "line"):
        raise InvalidRequest(f"{where}: allowlist: `regexTarget` is match or line")
    allow = Allow(
        condition in ("AND", "&&"),
        frozenset(str(commit).lower() for commit in table.get("commits", ())),
        tuple(re2.compile_go(text) for text in table.get("paths", ())),
        target,
        tuple(re2.compile_go(text) for text in table.get("regexes", ())),
        tuple(str(word).lower() for word in table.get("stopwords", ())),
        frozenset(table.get("targetrules", ())),
    )
    if not (allow.commits or allow.paths or allow.regexes or allow.stopwords):
        raise InvalidRequest(f"{where}: an allowlist has commits, paths, regexes or stopwords")
    return allow


def _expression(table: dict[str, Any], key: str, where: str) -> expressions.Expression | None:
    text = str(table.get(key, "")).strip()
    return expressions.parse(text, f"{where}: {key}") if text else None
