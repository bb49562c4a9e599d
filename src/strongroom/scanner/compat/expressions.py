"""betterleaks' filters: expressions that say which file or finding is skipped.

Read are literals, lists, `&& || !`, comparisons, `in`, `+`, `?:`, access to
`attributes` and `finding` (also optional: `[?"path"].orValue("")`), string
methods and the filter functions, with or without their namespace. Source:
betterleaks' docs/config.md. `failsTokenEfficiency` is answered by our own
measure of how word-like a string is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import re2
from strongroom.scanner.confirm import entropy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[[Mapping[str, Any]], Any]

_TOKEN = re.compile(
    r'\s*(?:(?://[^\n]*)|(?P<raw>r""".*?"""|r"[^"\n]*"|`[^`]*`)|(?P<string>"""(?:\\.|.)*?"""|"(?:\\.|[^"\\])*"|'
    r"'(?:\\.|[^'\\])*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|"
    r"(?P<mark>&&|\|\||==|!=|<=|>=|\?\.|\[\?|[-+!<>()\[\],.?:])|(?P<end>\Z)|(?P<wrong>\S))",
    re.DOTALL,
)
_LEVELS = (("||", "or"), ("&&", "and"), ("==", "!=", "<", "<=", ">", ">=", "in", "matches", "contains",
           "startsWith", "endsWith"), ("+", "-"))  # fmt: skip
_WORDS = re.compile(r"[a-z]{4,}|[A-Z][a-z]{3,}")


def parse(text: str, where: str) -> Expression:
    """Return the expression as a function of its variables. Raises InvalidRequest for what is not read."""
    parser = _Parser(_tokens(text, where), where)
    found = parser.choice()
    parser.expect("")
    return found


def _tokens(text: str, where: str) -> list[tuple[str, str]]:
    tokens = []
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind == "wrong":
            raise InvalidRequest(f"{where}: unexpected {found[kind]!r}")
        if kind:
            tokens.append((kind, found[kind]))
        if kind == "end":
            break
    return tokens


class _Parser:
    """Recursive descent; each method returns a function of the variables."""

    def __init__(self, tokens: list[tuple[str, str]], where: str) -> None:
        self._tokens = tokens
        self._where = where
        self._at = 0

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _took(self, mark: str) -> bool:
        kind, text = self._peek()
        if kind in ("mark", "name") and text == mark:
            self._at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        kind, text = self._next()
        if text != mark or (mark and kind not in ("mark", "name")):
            raise InvalidRequest(f"{self._where}: expected {mark or 'the end'!r}, found {text!r}")

    def choice(self) -> Expression:
        test = self._binary(0)
        if not self._took("?"):
            return test
        yes = self.choice()
        self.expect(":")
        no = self.choice()
        return lambda names: yes(names) if test(names) else no(names)

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (mark := self._peek())[0] in ("mark", "name") and mark[1] in _LEVELS[level]:
            self._at += 1
            left = _combined(mark[1], left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        if self._took("!") or self._took("not"):
            inner = self._unary()
            return lambda names: not inner(names)
        if self._took("-"):
            inner = self._unary()
            return lambda names: -inner(names)
        return self._postfix(self._primary())

    def _primary(self) -> Expression:
        kind, text = self._next()
        if kind == "raw":
            value: Any = text.removeprefix("r").strip("`") if "`" in text else text[1:].strip('"')
            return lambda _: value
        if kind == "string":
            value = _unescaped(text)
            return lambda _: value
        if kind == "number":
            number = float(text)
            return lambda _: number
        if text == "(":
            inner = self.choice()
            self.expect(")")
            return inner
        if text == "[":
            items = self._arguments("]")
            return lambda names: [item(names) for item in items]
        if kind != "name":
            raise InvalidRequest(f"{self._where}: unexpected {text or 'end'!r}")
        return self._named(text)

    def _named(self, text: str) -> Expression:
        constants = {"true": True, "false": False, "null": None, "nil": None}
        if text in constants:
            return lambda _: constants[text]
        if text == "filter" and self._took("."):
            text = self._next()[1]
        if self._peek()[1] == "(" and text in FUNCTIONS:
            self._at += 1
            return _called(FUNCTIONS[text], self._arguments(")"))
        if text not in ("attributes", "finding"):
            raise InvalidRequest(f"{self._where}: `{text}` is not known here")
        return lambda names: names.get(text, {})

    def _postfix(self, inner: Expression) -> Expression:
        while self._peek()[1] in ("[", "[?", ".", "?.") and self._peek()[0] == "mark":
            mark = self._next()[1]
            if mark.startswith("["):
                key = self.choice()
                self.expect("]")
                inner = _item(inner, key)
                continue
            name = self._next()[1]
            if self._took("("):
                if name not in METHODS:
                    raise InvalidRequest(f"{self._where}: no method `{name}`")
                inner = _called(METHODS[name], [inner, *self._arguments(")")])
            else:
                inner = _item(inner, lambda _, name=name: name)  # type: ignore[misc]
        return inner

    def _arguments(self, end: str) -> list[Expression]:
        found: list[Expression] = []
        while not self._took(end):
            found.append(self.choice())
            if not self._took(","):
                self.expect(end)
                break
        return found


def _combined(mark: str, left: Expression, right: Expression) -> Expression:
    if mark in ("||", "or"):
        return lambda names: bool(left(names)) or bool(right(names))
    if mark in ("&&", "and"):
        return lambda names: bool(left(names)) and bool(right(names))
    operation = OPERATIONS[mark]
    return lambda names: operation(left(names), right(names))


def _called(function: Callable[..., Any], arguments: list[Expression]) -> Expression:
    return lambda names: function(*(argument(names) for argument in arguments))


def _item(inner: Expression, key: Expression) -> Expression:
    def item(names: Mapping[str, Any]) -> Any:
        holder = inner(names)
        return holder.get(key(names)) if isinstance(holder, dict) else None

    return item


def _unescaped(text: str) -> str:
    body = text[3:-3] if text.startswith('"""') else text[1:-1]
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: plain.get(found[1], found[1]), body, flags=re.DOTALL)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[bytes]:
    return re2.compile_go(text)


def _matches(text: Any, pattern: str) -> bool:
    return _pattern(pattern).search(_text(text).encode()) is not None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _wordy(value: Any) -> bool:
    """Whether most of a string is made of words."""
    text = _text(value)
    return 2 * sum(map(len, _WORDS.findall(text))) > len(text)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "matchesAny": lambda text, patterns: any(_matches(text, p) for p in patterns),
    "containsAny": lambda text, words: any(w.lower() in _text(text).lower() for w in words),
    "entropy": lambda text: entropy(_text(text).encode()),
    "failsTokenEfficiency": _wordy,
    "size": len,
    "len": len,
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
}
METHODS: dict[str, Callable[..., Any]] = {
    "orValue": lambda value, other: other if value is None else value,
    "startsWith": lambda text, part: _text(text).startswith(part),
    "endsWith": lambda text, part: _text(text).endswith(part),
    "contains": lambda text, part: part in _text(text),
    "matches": _matches,
    "lowerAscii": lambda text: _text(text).lower(),
    "upperAscii": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
    "size": len,
    "hasValue": lambda value: value is not None,
}
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "matches": _matches,
    "contains": METHODS["contains"],
    "startsWith": METHODS["startsWith"],
    "endsWith": METHODS["endsWith"],
}
