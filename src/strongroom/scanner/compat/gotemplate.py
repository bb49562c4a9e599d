"""A small part of Go's text/template: what report templates use.

Actions: fields (`.RuleID`), `range` (with `$i, $leak :=`), `if`, `else`,
`with`, variables, pipelines, trimming (`{{-`, `-}}`), comments, and the
functions below, which include the usual ones of sprig. Source: pkg.go.dev/text/template.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ACTION = re.compile(
    r"\{\{(-\s)?\s*(/\*.*?\*/|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^}]|\}(?!\}))*?)\s*(\s-)?\}\}", re.DOTALL
)
_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|`[^`]*`|:=|[()|,=]|[^\s()|,="`:]+)')
MOST = 10_000_000  # steps of one rendering


def render(template: str, value: Any) -> str:
    """Fill `template` with `value`. Raises InvalidRequest for what it cannot read."""
    nodes, rest = _block(_pieces(template), 0, ())
    if rest != len(_pieces(template)):
        raise InvalidRequest("template: an `end` too many")
    out: list[str] = []
    _Run(out).all(nodes, value, {"$": value})
    return "".join(out)


def _pieces(template: str) -> list[tuple[str, str]]:
    """The template as texts and actions, with white space trimmed where it says so."""
    pieces: list[tuple[str, str]] = []
    at, trim = 0, False
    for found in _ACTION.finditer(template):
        text = template[at : found.start()]
        text = text.lstrip() if trim else text
        pieces.append(("text", text.rstrip() if found[1] else text))
        if not found[2].startswith("/*"):
            pieces.append(("action", found[2].strip()))
        at, trim = found.end(), bool(found[3])
    pieces.append(("text", template[at:].lstrip() if trim else template[at:]))
    return pieces


Node = tuple[str, str, list[Any], list[Any]]


def _block(pieces: list[tuple[str, str]], at: int, ends: Sequence[str]) -> tuple[list[Node], int]:
    """Read nodes up to one of `ends`; returns them and where that stands."""
    nodes: list[Node] = []
    while at < len(pieces):
        kind, text = pieces[at]
        word = text.split(None, 1)[0] if text.strip() else ""
        if kind == "text":
            nodes.append(("text", text, [], []))
        elif word in ("end", "else"):
            if word not in ends:
                raise InvalidRequest(f"template: `{word}` without a beginning")
            return nodes, at
        elif word in ("range", "if", "with"):
            node, at = _nested(pieces, at, word, text[len(word) :].strip())
            nodes.append(node)
        else:
            nodes.append(("value", text, [], []))
        at += 1
    if ends:
        raise InvalidRequest("template: an `end` is missing")
    return nodes, at


def _nested(pieces: list[tuple[str, str]], at: int, word: str, text: str) -> tuple[Node, int]:
    inner, at = _block(pieces, at + 1, ("else", "end"))
    other: list[Any] = []
    if pieces[at][1].startswith("else"):
        rest = pieces[at][1][4:].strip()
        if rest:  # `else if …` closes with the same end
            kind = rest.split(None, 1)[0]
            node, at = _nested(pieces, at, kind, rest[len(kind) :].strip())
            return (word, text, inner, [node]), at
        other, at = _block(pieces, at + 1, ("end",))
    return (word, text, inner, other), at


class _Run:
    """One rendering."""

    def __init__(self, out: list[str]) -> None:
        self._out = out
        self._steps = 0

    def all(self, nodes: list[Node], dot: Any, names: dict[str, Any]) -> None:
        for kind, text, inner, other in nodes:
            self._steps += 1
            if self._steps > MOST:
                raise InvalidRequest("template: does not come to an end")
            if kind == "text":
                self._out.append(text)
            elif kind == "value":
                self._value(text, dot, names)
            elif kind == "range":
                self._range(text, inner, other, dot, names)
            else:
                value = _pipeline(text, dot, names)
                inside = value if kind == "with" else dot
                self.all(inner if value else other, inside if value else dot, dict(names))

    def _value(self, text: str, dot: Any, names: dict[str, Any]) -> None:
        assigned = re.match(r"(\$\w*)\s*:?=\s*(.*)", text, re.DOTALL)
        if assigned:
            names[assigned[1]] = _pipeline(assigned[2], dot, names)
        else:
            self._out.append(_printed(_pipeline(text, dot, names)))

    def _range(
        self, text: str, inner: list[Node], other: list[Node], dot: Any, names: dict[str, Any]
    ) -> None:
        found = re.match(r"(?:(\$\w+)\s*,\s*)?(\$\w+)\s*:=\s*(.*)", text, re.DOTALL)
        value = _pipeline(found[3] if found else text, dot, names)
        pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value or ()))
        for key, item in pairs:
            own = {found[1]: key, found[2]: item} if found and found[1] else {found[2]: item} if found else {}
            self.all(inner, item, names | own)
        if not pairs:
            self.all(other, dot, dict(names))


def _printed(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + " ".join(map(_printed, value)) + "]"
    return "" if value is None else str(value)


def _pipeline(text: str, dot: Any, names: dict[str, Any]) -> Any:
    tokens = [found[1] for found in _TOKEN.finditer(text)]
    value, at = _piped(tokens, 0, dot, names)
    if at != len(tokens):
        raise InvalidRequest(f"template: cannot read `{text}`")
    return value


def _piped(tokens: list[str], at: int, dot: Any, names: dict[str, Any]) -> tuple[Any, int]:
    value: list[Any] = []
    while True:
        words: list[Any] = []
        while at < len(tokens) and tokens[at] not in ("|", ")"):
            word, at = _operand(tokens, at, dot, names)
            words.append(word)
        value = [_call(words + value)]
        if at >= len(tokens) or tokens[at] == ")":
            return value[0], at
        at += 1


def _operand(tokens: list[str], at: int, dot: Any, names: dict[str, Any]) -> tuple[Any, int]:
    token = tokens[at]
    if token == "(":
        value, at = _piped(tokens, at + 1, dot, names)
        if at >= len(tokens):
            raise InvalidRequest("template: a ) is missing")
        return value, at + 1
    return _literal(token, dot, names), at + 1


def _literal(token: str, dot: Any, names: dict[str, Any]) -> Any:
    """A token that stands for a value: a string, a variable, a field, a number, a word."""
    readers: dict[str, Callable[[], Any]] = {
        "`": lambda: token[1:-1],
        '"': lambda: json.loads(token),
        "$": lambda: _field(names.get(token.partition(".")[0]), token.partition(".")[2]),
        ".": lambda: _field(dot, token[1:]),
    }
    if token[0] in readers:
        return readers[token[0]]()
    if re.fullmatch(r"-?\d+(\.\d+)?", token):
        return float(token) if "." in token else int(token)
    if token not in FUNCTIONS and token not in WORDS:
        raise InvalidRequest(f"template: no function `{token}`")
    return WORDS[token] if token in WORDS else FUNCTIONS[token]


def _field(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        if not isinstance(value, dict) or name not in value:
            raise InvalidRequest(f"template: no field `{name}`")
        value = value[name]
    return value


def _call(words: list[Any]) -> Any:
    if not words:
        raise InvalidRequest("template: an empty action")
    if callable(words[0]):
        try:
            return words[0](*words[1:])
        except (TypeError, IndexError, AttributeError, ValueError) as error:
            raise InvalidRequest(f"template: a function got the wrong arguments: {error}") from error
    return words[0]


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value[key]
    return value


def _all(*values: Any) -> Any:
    return next((value for value in values if not value), values[-1])


WORDS = {"true": True, "false": False, "nil": None}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "index": _index,
    "print": lambda *values: "".join(map(_printed, values)),
    "printf": lambda form, *values: re.sub(r"%[vqd]", "%s", form) % tuple(map(_printed, values)),
    "println": lambda *values: " ".join(map(_printed, values)) + "\n",
    "html": lambda value: escape(_printed(value)),
    "js": lambda value: json.dumps(_printed(value))[1:-1],
    "eq": lambda first, *rest: any(first == other for other in rest),
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "not": lambda value: not value,
    "and": _all,
    "or": lambda *values: next((value for value in values if value), values[-1]),
    "quote": lambda value: json.dumps(_printed(value), ensure_ascii=False),
    "squote": lambda value: f"'{_printed(value)}'",
    "toJson": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "toString": _printed,
    "lower": lambda text: _printed(text).lower(),
    "upper": lambda text: _printed(text).upper(),
    "title": lambda text: _printed(text).title(),
    "trim": lambda text: _printed(text).strip(),
    "trimPrefix": lambda prefix, text: _printed(text).removeprefix(prefix),
    "trimSuffix": lambda suffix, text: _printed(text).removesuffix(suffix),
    "trunc": lambda count, text: _printed(text)[:count] if count >= 0 else _printed(text)[count:],
    "replace": lambda old, new, text: _printed(text).replace(old, new),
    "contains": lambda part, text: part in _printed(text),
    "hasPrefix": lambda part, text: _printed(text).startswith(part),
    "hasSuffix": lambda part, text: _printed(text).endswith(part),
    "repeat": lambda count, text: _printed(text) * min(count, 10_000),
    "join": lambda mark, values: mark.join(map(_printed, values)),
    "default": lambda other, value=None: value or other,
    "empty": lambda value: not value,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "add": lambda *values: sum(values),
    "add1": lambda value: value + 1,
    "sub": lambda a, b: a - b,
    "dir": lambda path: path.rpartition("/")[0] or ".",
    "base": lambda path: path.rpartition("/")[2],
    "nindent": lambda count, text: "\n" + "\n".join(" " * count + line for line in text.split("\n")),
    "indent": lambda count, text: "\n".join(" " * count + line for line in text.split("\n")),
}
