"""A small parser for the HCL that policy files use, and for their JSON form.

Covers HCL 1: blocks and attributes, comments, lists, nested objects, heredocs,
and string escapes; errors carry line and column. Nothing is evaluated: `${…}`
stays text. Source: the HCL 1 language notes; behaviour compared with `bao policy write`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from strongroom.errors import InvalidRequest

MAX_DEPTH = 32
MAX_LENGTH = 1 << 20

Value: TypeAlias = "str | int | float | bool | list[Value] | Object | None"

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
      |(?P<string>")
      |(?P<heredoc><<-?(?P<tag>\w+)[ \t]*\r?\n)
      |(?P<number>-?(?:0x[0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))
      |(?P<word>[^\W\d][\w.-]*)
      |(?P<mark>[{}\[\]=,:])""",
    re.VERBOSE | re.DOTALL,
)
_PAIR = re.compile(r"u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_ESCAPE = re.compile(r"u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-7]{3}|[abfnrtv\\\"/']", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text; `kind` is string, number, word, mark or end."""

    kind: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Item:
    """`key "label" = value` or `key "label" { … }`."""

    keys: tuple[str, ...]
    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class Object:
    """The items between two braces, in order; a key may come more than once."""

    items: tuple[Item, ...]


def parse(text: str) -> Object:
    """Parse a policy text, HCL or JSON.

    Raises InvalidRequest with `line:column`. Neither quotes more of the text than a word.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidRequest(f"policy is longer than {MAX_LENGTH} characters")
    return _Parser(text, json=text.lstrip().startswith("{")).whole()


def position(text: str, at: int) -> str:
    """`line:column` of an offset, both counted from 1."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def fault(text: str, at: int, problem: str) -> InvalidRequest:
    """The error for a place in the text."""
    return InvalidRequest(f"at {position(text, at)}: {problem}")


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise fault(text, at, "unexpected character")
        kind = match.lastgroup or ""
        if match["string"]:
            value, end = _string(text, at)
            yield Token("string", value, at)
        elif match["heredoc"]:
            value, end = _heredoc(text, match)
            yield Token("string", value, at)
        else:
            end = match.end()
            if kind != "space":
                yield Token(kind, match[0], at)
        at = end
    yield Token("end", "", len(text))


def _string(text: str, start: int) -> tuple[str, int]:
    """A quoted string from its opening quote; quotes inside `${…}` do not end it."""
    out: list[str] = []
    at, depth = start + 1, 0
    while at < len(text):
        char = text[at]
        if char == '"' and not depth:
            return "".join(out), at + 1
        if char == "\n" and not depth:
            break
        if char == "\\" and not depth:
            decoded, at = _escape(text, at)
            out.append(decoded)
            continue
        depth = _interpolation(text, at, depth)
        out.append(char)
        at += 1
    raise fault(text, start, "string is not terminated")


def _interpolation(text: str, at: int, depth: int) -> int:
    """How many `${` braces are open after this character."""
    char = text[at]
    if char == "{" and (depth or text[at - 1] == "$"):
        return depth + 1
    return depth - 1 if char == "}" and depth else depth


def _escape(text: str, at: int) -> tuple[str, int]:
    pair = _PAIR.match(text, at + 1)
    if pair:
        return bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be"), pair.end()
    match = _ESCAPE.match(text, at + 1)
    if match is None:
        raise fault(text, at, "unknown escape in a string")
    code = match[0]
    if len(code) == 1:
        return _SIMPLE.get(code, code), match.end()
    number = int(code, 8) if code[0] in "01234567" else int(code[1:], 16)
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:
        raise fault(text, at, "escape is no character")
    return chr(number), match.end()


def _heredoc(text: str, match: re.Match[str]) -> tuple[str, int]:
    """The lines up to the closing tag; `<<-` drops the indentation they share with it."""
    closing = re.compile(rf"^([ \t]*){re.escape(match['tag'])}[ \t]*(?=\r?$|\Z)", re.MULTILINE)
    end = closing.search(text, match.end())
    if end is None:
        raise fault(text, match.start(), "heredoc is not terminated")
    body = text[match.end() : end.start()]
    if match[0].startswith("<<-") and end[1]:
        body = "".join(line.removeprefix(end[1]) for line in body.splitlines(keepends=True))
    return body, end.end()


class _Parser:
    """Recursive descent over the tokens; `json` asks for braces outside and colons inside."""

    def __init__(self, text: str, *, json: bool) -> None:
        self.text = text
        self.json = json
        self.tokens = list(_tokens(text))
        self.index = 0

    def whole(self) -> Object:
        if self.json:
            found = self.object(0)
            self.expect("end", "the end of the policy")
            return found
        return self.items("end", 0)

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def skip(self, mark: str) -> bool:
        if self.token.kind == "mark" and self.token.value == mark:
            self.take()
            return True
        return False

    def expect(self, kind: str, what: str) -> Token:
        if self.token.kind != kind:
            raise self.wrong(f"{what} is expected")
        return self.take()

    def wrong(self, problem: str) -> InvalidRequest:
        return fault(self.text, self.token.at, problem)

    def object(self, depth: int) -> Object:
        if not self.skip("{"):
            raise self.wrong("'{' is expected")
        found = self.items("}", depth + 1)
        self.skip("}")
        return found

    def items(self, end: str, depth: int) -> Object:
        if depth > MAX_DEPTH:
            raise self.wrong(f"nested deeper than {MAX_DEPTH} levels")
        found = []
        while end not in (self.token.kind, self.token.value if self.token.kind == "mark" else ""):
            if self.token.kind == "end":
                raise self.wrong("'}' is missing")
            found.append(self.item(depth))
            self.skip(",")
        return Object(tuple(found))

    def item(self, depth: int) -> Item:
        where = position(self.text, self.token.at)
        keys = []
        while self.token.kind in ("word", "string"):
            if self.json and self.token.kind == "word":
                raise self.wrong("a key in quotes is expected")
            keys.append(self.take().value)
        if not keys:
            raise self.wrong("a key is expected")
        if len(keys) == 1 and self.skip(":" if self.json else "="):
            return Item(tuple(keys), self.value(depth), where)
        if self.json:
            raise self.wrong("':' is expected")
        return Item(tuple(keys), self.object(depth), where)

    def value(self, depth: int) -> Value:
        token = self.token
        if token.kind == "mark":
            return self.list(depth + 1) if token.value == "[" else self.object(depth)
        if token.kind == "string":
            return self.take().value
        if token.kind == "number":
            return self.number(self.take().value)
        words: dict[str, Value] = {"true": True, "false": False, **({"null": None} if self.json else {})}
        if token.kind == "word" and token.value in words:
            return words[self.take().value]
        raise self.wrong("a value is expected")

    def number(self, text: str) -> int | float:
        if text.lower().lstrip("-").startswith("0x"):
            return int(text, 16)
        return int(text) if text.lstrip("-").isdigit() else float(text)

    def list(self, depth: int) -> "list[Value]":
        self.take()
        if depth > MAX_DEPTH:
            raise self.wrong(f"nested deeper than {MAX_DEPTH} levels")
        found: list[Value] = []
        while not self.skip("]"):
            if self.skip(","):
                continue
            found.append(self.value(depth))
            if not (self.skip(",") or (self.token.kind == "mark" and self.token.value == "]")):
                raise self.wrong("',' or ']' is expected")
        return found
