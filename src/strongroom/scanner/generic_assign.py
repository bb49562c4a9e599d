"""Finds `name = value` in any language around a trigger's hit.

It knows the operators, quotes and detours (`password: &str = "…"`, `setPassword("…")`,
`name="password" value="…"`, `os.getenv("X", "default")`); it does not judge.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import classify
from strongroom.scanner.lazy_pattern import lazy


class Assignment(NamedTuple):
    """`data[start:end]` is the value of `name`, which stands at `at`.

    `op` is how they are joined: assign, compare, call, comma, element, pair, space or embedded
    (inside a query or connection string).
    """

    name: str
    at: int
    op: str
    start: int
    end: int
    quoted: bool


_KEYWORD = lazy(
    rb"(?i)pass|pwd|psw|pw|secret|cred|token|key|auth|salt|nonce|seed|sig|jwt|sess|cookie|"
    rb"dsn|mnemonic|bearer|iv|psk|hash|"
    rb"senha|kennwort|contrasena|hmac|pin|otp|webhook|clave"
)
_NAME = lazy(rb"(?a:[A-Za-z_][A-Za-z0-9_.$-]{1,100})")
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$-")
_QUALIFIER = lazy(
    rb"(?i)(?:api|access|secret|private|account|auth|client|shared|license|encryption|"
    rb"consumer|subscription) $"
)

_TYPED = lazy(
    rb"(?i:\s{1,2}as\s{1,2}string)?\s{1,2}=\s{1,8}(?=\")|"
    rb"[\"'`]?[?!]?\s{0,3}:\s{0,3}(?:&?'?[A-Za-z_][\w.<>\[\]?&' |"
    rb"]{0,40}?)?\s{0,3}=\s{0,8}(?=[A-Za-z@$]{0,2}[\"'`(])"
)
_OP = lazy(
    rb"(?P<close>(?:\[\w{0,12}\])?(?:\\{0,3}[\"'`])?\s?[\])]{0,2}|)"
    rb"(?:[ \t]{0,24}(?P<op>:=|=>|\|\|=|\?\?=|(?<=\))\{|(?<=\) )\{|[=!]==?|=~|=|::?|->|<-|,|"
    rb"\(|\|\||\?\?)[ \t]{0,24}|(?P<space>[ \t]{1,24}))"
)
_PAIR = lazy(
    rb"\\?[\"'`]?\s{0,4}(?:,|;|\}|/?>\s{0,40}(?=<))?\s{0,40}(?:[-{]\s)?(?:"
    rb"(?:[\"']?(?:type|secure|sensitive|enabled|description|default|scope|"
    rb"encrypted)[\"']?\s{0,2}[=:]\s{0,2}[\"']?\w{0,20}[\"']?,?\s{0,30})?"
    rb"<?[\"']?(?:[\w:]{0,3}value|default(?:_?value)?|content)[\"']?\s{0,4}(?:=>|"
    rb"[=:])\s{0,4}|</?(?:key|[\w-]{0,12}name)>\s{0,40}<(?:string|[\w-]{0,12}value)>"
    rb"|<(?:[\w:]{0,3}value)>)",
    re.IGNORECASE,
)
_ELEMENT = lazy(rb"(?:\s[^<>\n]{0,120})?(?<!/)>\s{0,40}(?=[^<\s])|[\"']\s{0,2}>\s{0,40}(?=[^<\s])")
_CALLEE = (
    rb"(?:new\s{1,2})?(?:[A-Za-z_][\w:!]{0,40}[.:>]{1,2})??(?i:\w{0,20}(?:str(?:ing)?|"
    rb"secure\w*|secret\w*|passw\w*|credentials?|token|key|text|value|"
    rb"chars|data|bytes|buffer)|bytes?|from|get\w{0,20}|\w{0,6}env\w{0,4}|fetch|some|of|"
    rb"default\w*|optional|b64\w+|base64\w*|base64\.\w+|"
    rb"valueof|sha\w+|md5|lookup|setdefault|pointer|ptr|unhexlify|fromhex|config|option|"
    rb"property|prop|must\w*|quote|literal|box::new|u|n|q)"
    rb"!?[(\[]{1,2}\s{0,30}(?:[\"'][\w.\-]{1,60}[\"']\s{0,3},\s{0,8})?"
)
_WRAP = lazy(
    rb"(?:" + _CALLEE + rb"|(?:process\.env|ENV|os\.environ)[\w.\[\]\"']{1,60}\s{0,3}(?:\|\||\?\?|or)\s{0,3}|"
    rb"\(?[\w.]{1,40}\s(?:\?\?|\|\|)\s|\[\s?)?(?=[A-Za-z@$]{0,2}\\{0,3}[\"'`])"
)
_QUOTED = lazy(
    rb"(?:[bBrRuUfFLNqQ@$]{0,2})(?P<q>\\{0,3}\"|\\{0,3}'|`)(?P<v>(?:(?!(?P=q))[^\n\\]|"
    rb"\\[^\n\"']|\\(?!(?P=q))[\"']){1,2000}?)(?P=q)"
)
_BARE = lazy(rb"[^\s\"'`<>,;]{1,400}")
_BARE_LINE = lazy(rb"[^\s\"'`][^\s]{0,400}")
_EMBEDDED = lazy(rb"[^\s\"'`<>;&\\,)}\]]{1,400}")
_MORE = lazy(rb"(?<=.)[&;]\w{1,40}=")
_LINE_REST = lazy(rb"[ \t]{0,20}(?:(?:#|//|;|--|<!--)[^\n]*|\\|[,;]|</[\w:]+>)?[ \t]*\r?(?:\n|$)")
_ARGUMENT = lazy(rb"\w\s?\((?:\s{0,20}|[\w.&*\"']{1,40},\s?)[A-Za-z@]?\\{0,3}[\"'`]$")
_TARGET = lazy(
    rb"(?i)(?:put|set\w{0,12}|str\w{0,12}|equals?|assert\w{0,12}|add\w{0,10}|append|"
    rb"compare\w{0,8}|define)\s?\(\s{0,8}[\w.]{0,30}$"
)
_TEXT = lazy(rb"(?:<!\[CDATA\[)?(?P<v>[^<>\n]{1,2000}?)(?:\]\]>)?\s{0,30}</")
_OPERATIONS = {
    b"(": "call",
    b",": "comma",
    b"==": "compare",
    b"===": "compare",
    b"!=": "compare",
    b"!==": "compare",
    b"=~": "compare",
}
_LEFT, _RIGHT = 130, 12


class Cursor:
    """How far a blob's names have been read."""

    __slots__ = ("read_to",)

    def __init__(self) -> None:
        self.read_to = 0


def assignments(data: bytes, end: int, place: Place, cursor: Cursor) -> Iterator[Assignment]:
    """Yield the assignments whose name stands a little before `end`.

    Hits come in rising order; `cursor` keeps what one hit has read from being read for the next.
    """
    if place.kind == "code" and not _literal_near(data, end):
        return
    begin = max(0, end - _LEFT, cursor.read_to)
    if begin and data[begin - 1] in _NAME_BYTES and begin > cursor.read_to:
        begin = max(cursor.read_to, begin - 60)
    first = max(0, data.rfind(b"\n", 0, begin) + 1, begin - 300)
    window = data[first : _window_end(data, end)]
    found, cursor.read_to = _in_window(window, begin - first, end - first, place)
    cursor.read_to += first
    for a in found:
        yield Assignment(a.name, a.at + first, a.op, a.start + first, a.end + first, a.quoted)


def _window_end(data: bytes, end: int) -> int:
    """The end of the second line after a hit, at most 2200 bytes on."""
    limit = min(len(data), end + 2200)
    for _ in range(3):
        end = data.find(b"\n", end, limit) + 1
        if end == 0:
            return limit
    return end


@lru_cache(maxsize=8192)
def _in_window(data: bytes, begin: int, end: int, place: Place) -> tuple[tuple[Assignment, ...], int]:
    """The assignments in a few lines, and how far names were read; versions of a file share most lines."""
    roof = min(len(data), end + _RIGHT)
    found: list[Assignment] = []
    read_to = begin
    for match in _NAME.finditer(data, begin, min(len(data), roof + 60)):
        if match.start() >= roof:
            break
        read_to = match.end()
        if promising(match.group()):
            left = match.start()
            qualifier = _QUALIFIER.search(data, max(0, left - 16), left)
            at = qualifier.start() if qualifier else left
            read = _read(data, at, left + len(match.group().rstrip(b"-.$")), place)
            if read is not None:
                found.append(read)
    return tuple(found), read_to


def _literal_near(data: bytes, end: int) -> bool:
    """Whether code can hold a literal at a hit: a quote follows on the line, or the line is a comment."""
    stop = data.find(b"\n", end, end + 200)
    rest = data[end - 1 : stop if stop >= 0 else end + 200]
    return b'"' in rest or b"'" in rest or b"`" in rest or _in_comment(data, end)


@lru_cache(maxsize=16384)
def promising(token: bytes) -> bool:
    """Whether a word could name a secret: the cheap test that most words fail."""
    return _KEYWORD.search(token) is not None and classify(token.decode("ascii").strip("-.$")) is not None


def _read(data: bytes, left: int, right: int, place: Place) -> Assignment | None:
    if right - left > 100 or (left and data[left - 1] == 0x2F and data[left - 2 : left - 1] == b"<"):
        return None
    name = data[left:right].decode("ascii", "replace").lstrip("-$.")
    before = data[left - 1 : left]
    pair = _PAIR.match(data, right, right + 240)
    if pair is not None:
        return _value(data, name, left, "pair", pair.end(), place)
    if before == b"<" or (data[right : right + 1] in (b'"', b"'") and before in (b'"', b"'")):
        element = _ELEMENT.match(data, right, right + 200)
        if element is not None and (place.kind != "code" or before == b"<"):
            return _element(data, name, left, element.end())
    typed = _TYPED.match(data, right, right + 80)
    if typed is not None:
        return _value(data, name, left, "assign", typed.end(), place)
    return _operator(data, name, left, right, place)


def _operator(data: bytes, name: str, left: int, right: int, place: Place) -> Assignment | None:
    op = _OP.match(data, right, right + 64)
    if op is None:
        return None
    kind = "space" if op["space"] else _OPERATIONS.get(op["op"], "assign")
    named = bool(op["close"].strip(b" "))
    if kind == "space" and named:
        return None
    if kind == "comma" and not (_ARGUMENT if named else _TARGET).search(data, max(0, left - 80), left):
        return None
    at = op.end()
    if kind == "assign" and op["op"] in (b"=", b":=") and data[left - 1 : left] in b";&?" and left:
        kind = "embedded"
    return _value(data, name, left, kind, at, place)


def _element(data: bytes, name: str, left: int, at: int) -> Assignment | None:
    text = _TEXT.match(data, at, at + 2100)
    if text is None:
        return None
    return Assignment(name, left, "element", text.start("v"), text.start("v") + len(text["v"].rstrip()), True)


def _value(data: bytes, name: str, left: int, op: str, at: int, place: Place) -> Assignment | None:
    """Read the value at `at`: quoted, wrapped in a call, or bare where the language has bare strings."""
    if op == "pair" and data[at - 1 : at] == b">":
        return _element(data, name, left, at)
    wrap = _WRAP.match(data, at, at + 200) or _next_line(data, at)
    if wrap is not None and op != "embedded":
        quoted = _QUOTED.match(data, wrap.end(), wrap.end() + 2100)
        if quoted is not None:
            start, end = quoted.span("v")
            while data[start : start + 2] == b'\\"' == data[end - 2 : end] and end - start > 4:
                start, end = start + 2, end - 2
            return Assignment(name, left, op, start, end, True)
    if op in ("call", "comma", "compare") or (op == "space" and not _directive(data, left, place)):
        return None
    return _bare(data, name, left, op, at, place)


_BREAK = lazy(rb"\(?[ \t]*\\?\r?\n\s{1,40}(?=[bBrRuUfF]?[\"'`][^\"'`:\n]+[\"'`]\s*[),;\n])")


def _next_line(data: bytes, at: int) -> re.Match[bytes] | None:
    return _BREAK.match(data, at, at + 300)


def _bare(data: bytes, name: str, left: int, op: str, at: int, place: Place) -> Assignment | None:
    if op == "embedded" or _in_string(data, left):
        tight = data[at - 1 : at] == b":" and place.kind == "code"
        bare = None if tight else _EMBEDDED.match(data, at)
        return Assignment(name, left, "embedded", at, bare.end(), False) if bare else None
    if place.kind == "code" and not _in_comment(data, left):
        return None
    return _bare_word(data, name, left, op, at, place)


def _bare_word(data: bytes, name: str, left: int, op: str, at: int, place: Place) -> Assignment | None:
    """A value without quotes: one word, and nothing but a comment after it on its line."""
    flow = b"{" in data[max(data.rfind(b"\n", 0, left), left - 200) : left]
    bare = (_BARE_LINE if place.kind == "config" and not flow else _BARE).match(data, at)
    if bare is None:
        return None
    word = bare.group()
    if more := _MORE.search(word):
        return Assignment(name, left, "embedded", at, at + more.start(), False)
    end = at + len(word.rstrip(b"," if place.kind == "config" else b",;")) - (flow and word[-1:] == b"}")
    if op != "pair" and not _LINE_REST.match(data, end, end + 300) and not _listed(data, end, place):
        return None
    return Assignment(name, left, op, at, end, False)


_DIRECTIVE = lazy(
    rb"(?i)(?:^|\n)[ \t]{0,16}(?:env|arg|set|export|setenv|machine[^\n]{0,80}|-)?[ \t]{0,4}\"?$"
)


def _directive(data: bytes, left: int, place: Place) -> bool:
    """Whether a name that a space alone joins to its value begins its line, as in `requirepass x`."""
    return (
        place.kind in ("shell", "config", "")
        and _DIRECTIVE.search(data, max(0, left - 120), left) is not None
    )


def _listed(data: bytes, end: int, place: Place) -> bool:
    """Whether a bare value may be followed by more on its line: shell commands, flow mappings."""
    follow = data[end : end + 2]
    if place.kind == "config":
        return follow[:1] in (b",", b"}")
    return place.kind in ("shell", "text", "") and (
        follow[:1] in (b",", b";", b"}", b'"', b"'", b"&", b"|", b"`") or follow[:1] == b" "
    )


def _in_string(data: bytes, at: int) -> bool:
    """Whether an odd number of double or single quotes stands before `at` on its line."""
    line = data[max(data.rfind(b"\n", 0, at) + 1, at - 400) : at]
    return (line.count(b'"') - line.count(b'\\"')) % 2 == 1 or (
        line.count(b"'") % 2 == 1 and b'"' not in line
    )


def _in_comment(data: bytes, at: int) -> bool:
    line = data[max(data.rfind(b"\n", 0, at) + 1, at - 200) : at]
    return (
        line.lstrip().startswith((b"#", b"//", b"*", b"/*", b"--", b";")) or b"# " in line or b"// " in line
    )
