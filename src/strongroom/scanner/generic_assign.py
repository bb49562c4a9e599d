"""Finds `name = value` in any language around a trigger's hit.

It knows the operators, quotes and detours (`password: &str = "…"`, `setPassword("…")`,
`name="password" value="…"`, `os.getenv("X", "default")`); it does not judge.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from strongroom.scanner import generic_values
from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import classify
from strongroom.scanner.generic_values import Assignment
from strongroom.scanner.lazy_pattern import lazy

_KEYWORD = (
    lazy(  # of lower-case text, and by first letters: `re` passes over what begins none six times as fast
        rb"p(?:ass|wd|sw|w|sk|in|epper)|s(?:e(?:cret|ed|ss|nha)|alt|ig)|c(?:red|o(?:okie|ntrasena)|lave)|"
        rb"token|ke(?:y|nnwort)|auth|nonce|jwt|dsn|mnemonic|bearer|iv|h(?:ash|mac)|otp|webhook"
    )
)
_NAME = lazy(rb"(?a:[A-Za-z_][A-Za-z0-9_.$-]{1,100})")
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$-")
_QUALIFIER = lazy(
    rb"(?i)(?:api|access|secret|private|account|auth|client|shared|license|encryption|"
    rb"consumer|subscription) $"
)

_MEMBER = lazy(rb"\":[ \t]{0,3}\"([^\"\\\n]{1,1900})\"")
_TYPED = lazy(
    rb"(?i:\s{1,2}as\s{1,2}string)?\s{1,2}=\s{1,8}(?=\")|"
    rb"\s{1,3}(?:\*?string|\[\]byte|\[\]string)\s{0,3}=\s{0,8}(?=[\"`\[])|"
    rb"\s{0,3}\{\s{0,2}get;[^{}\n]{0,40}\}\s{0,3}=\s{0,3}(?=[@$]?\")|"
    rb"[\"'`]?[?!]?\s{0,3}:\s{0,3}(?:&?'?[A-Za-z_][\w.<>\[\]?&' |"
    rb"]{0,40}?)?\s{0,3}:?=\s{0,8}(?=[A-Za-z@$]{0,2}[\"'`(])"
)
_OP = lazy(
    rb"(?P<close>(?:\[\w{0,12}\])?(?:\\{0,3}[\"'`])?\s?[\])}]{0,2}(?:(?<=\])[\"'`])?|)"
    rb"(?:[ \t]{0,24}(?P<op>:=|(?:\(\))?\)?\.(?:then|will|and_?)?[rR]eturns?\(|returns(?= \")|"
    rb"\.(?:type|fill|val|set_?[vV]alue|send_?[kK]eys)\(|by lazy \{|"
    rb";\s\w{1,12}\s[!=]=|(?:to|is)(?=\s{1,3}@?[\"'`])|"
    rb"\.(?:not\.)?(?:to|be|is|eq|should)(?:[._ ]?\w{1,12}){0,3}\(|or(?=\s)|"
    rb"=>|\|\|=|\?\?=|\?=|"
    rb"(?<=\))\{|(?<=\) )\{|[=!]==?|=~|=|::?|->|<-|,|\{(?=[\"'])|"
    rb"\(|\|\||\?\?)[ \t]{0,24}|(?P<space>[ \t]{1,24}))"
)
_PAIR = lazy(
    rb"\\?[\"'`]?\s{0,4}(?:,|;|\}|:\s{0,3}\{|(?:\s\w{1,14}=\"\w{1,20}\")?\s?/?>\s{0,40}(?=<))?\s{0,40}(?:[-{]\s{1,24})?"
    rb"(?:(?:type|description|sensitive|nullable)\s{0,16}=\s{0,4}[^\n{}]{0,120}\n\s{0,24}){0,4}(?:"
    rb"(?:[\"']?(?:type|secure|sensitive|enabled|description|default|scope|nullable|"
    rb"encrypted)[\"']?\s{0,2}[=:]\s{0,2}[\"']?\w{0,20}[\"']?,?\s{0,30})?"
    rb"<?[\"']?(?:[\w:]{0,3}value|default(?:_?value)?|content|with)[\"']?\s{0,4}(?:=>|"
    rb"[=:])\s{0,4}|</?(?:key|[\w-]{0,12}name)>\s{0,40}<(?:string|[\w-]{0,12}value)>"
    rb"|<(?:[\w:]{0,3}value|string|contents)>)",
    re.IGNORECASE,
)
_ELEMENT = lazy(
    rb"(?:\s[^<>\n]{0,120})?(?<!/)>\s{0,40}(?=[^<\s]|<!\[CDATA\[)|[\"']\s{0,2}>\s{0,40}(?=[^<\s])"
)
_ARGUMENT = lazy(
    rb"(?:\w\s?\(|\{\s?|[\s(,\[]\()(?:\s{0,20}|[\w.&*\"']{1,40},\s?)[A-Za-z@]?\\{0,3}[\"'`][#.:$]?$|"
    rb"\([\"'`]\w{0,12}\[name=\\?[\"']?$"
)
_TARGET = lazy(
    rb"(?i)(?:put|set\w{0,12}|setopt\w{0,8}|str\w{0,12}|equals?|assert\w{0,12}|add\w{0,10}|append|option|"
    rb"compare\w{0,8}|define)\s?\(\s{0,8}(?:[\w.&*>-]{1,30},\s?)?[\w.&*>-]{0,30}$|\{$|\w[ (]:$|\bset\s{1,2}:$"
)
_PREFIX = lazy(rb"<\w{1,30}:$")  # of an element's name
_TYPE = lazy(rb"[\"'](?:AWS|Alexa)::(?:\w{1,40}::)?$")  # begins what CloudFormation calls a kind of resource
_DEFAULT = lazy(rb":[-=]?[\"']?(?P<v>[^\s}$\"'`{]{3,300})[\"']?\}")  # of `${name:-value}`
_OPERATIONS = {
    b"(": "call",
    b",": "comma",
    b"==": "compare",
    b"===": "compare",
    b"!=": "compare",
    b"!==": "compare",
    b"=~": "compare",
    b"or": "compare",
    b"to": "space",
    b"is": "space",
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
    if place.kind == "code" and not generic_values.literal_near(data, end):
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
        if promising(match[0]):
            left = match.start()
            at = left
            if data[left - 1 : left] == b" " and (before := _QUALIFIER.search(data, max(0, left - 16), left)):
                at = before.start()
            right = left + len(match.group().rstrip(b"-.$"))
            read = _member(data, at, right) or _read(data, at, right, place)
            if read is not None:
                found.append(read)
    return tuple(found), read_to


@lru_cache(maxsize=16384)
def promising(token: bytes) -> bool:
    """Whether a word could name a secret: the cheap test that most words fail."""
    return (
        _KEYWORD.search(token.lower()) is not None
        and classify(token.decode("ascii").strip("-.$")) is not None
    )


def _member(data: bytes, left: int, right: int) -> Assignment | None:
    """`"name": "text"`, which most hits in JSON are: what `_read` says of it, in one step."""
    if data[left - 1 : left] != b'"' or right - left > 100:
        return None
    text = _MEMBER.match(data, right)
    if text is None:
        return None
    name = data[left:right].decode("ascii", "replace").lstrip("-$.")
    return Assignment(name, left, "assign", *text.span(1), True)


def _read(data: bytes, left: int, right: int, place: Place) -> Assignment | None:
    if right - left > 100 or (left and data[left - 1] == 0x2F and data[left - 2 : left - 1] == b"<"):
        return None
    if data[left - 2 : left] == b"::" and _TYPE.search(data, max(0, left - 60), left):
        return None
    name = data[left:right].decode("ascii", "replace").lstrip("-$.")
    before = data[left - 1 : left]
    pair = _PAIR.match(data, right, right + 240)
    if pair is not None:
        return generic_values.value(data, name, left, "pair", pair.end(), place)
    if (
        before == b"<"
        or (before == b":" and _PREFIX.search(data, max(0, left - 32), left))
        or (data[right : right + 1] in (b'"', b"'") and before in (b'"', b"'"))
    ):
        element = _ELEMENT.match(data, right, right + 200)
        if element is not None and (place.kind != "code" or before in (b"<", b":")):
            return generic_values.element(data, name, left, element.end())
    if data[right : right + 1] == b"," or data[left - 2 : left] in (b", ", b",$", b" $"):
        unpacked = _unpacked(data, name, left)
        if unpacked is not None:
            return unpacked
    return _declared(data, name, left, right, place)


def _declared(data: bytes, name: str, left: int, right: int, place: Place) -> Assignment | None:
    typed = _TYPED.match(data, right, right + 80)
    if typed is not None:
        return generic_values.value(data, name, left, "assign", typed.end(), place)
    return _operator(data, name, left, right, place)


def _operation(op: bytes) -> str:
    return "compare" if op[:1] == b"." else _OPERATIONS.get(op, "assign")


def _operator(data: bytes, name: str, left: int, right: int, place: Place) -> Assignment | None:
    if data[left - 2 : left] == b"${" and place.suffix != "robot":
        default = _DEFAULT.match(data, right, right + 400)
        return Assignment(name, left, "embedded", *default.span("v"), True) if default else None
    op = _OP.match(data, right, right + 64)
    if op is None:
        return None
    kind = "space" if op["space"] else _operation(op["op"])
    named = bool(op["close"].strip(b" "))
    if kind == "space" and named:
        return None
    if kind == "comma" and not (_ARGUMENT if named else _TARGET).search(data, max(0, left - 80), left):
        return None
    at = op.end()
    if kind == "assign" and op["op"] in (b"=", b":=") and data[left - 1 : left] in b";&?" and left:
        kind = "embedded"
    return generic_values.value(data, name, left, kind, at, place)


_UNPACKED = lazy(
    rb"[ \t]{0,40}(?:(?:my|our|local|var|let|const|val)\s)?\s?\(?"
    rb"(?P<names>[\w.$@]{1,40}(?:,\s?[\w.$@]{1,40}){1,5})\)?"
    rb"\s{0,3}:?=\s{0,3}\(?(?=[\w\"'])"
)
_PART = lazy(rb"(?:[bru]?(?P<q>[\"'])(?P<v>[^\"'\n]{1,300})(?P=q)|[\w.]{1,60}),?\s{0,3}")


def _unpacked(data: bytes, name: str, left: int) -> Assignment | None:
    """`user, password = "anna", "…"`: the value in the name's place."""
    line = data.rfind(b"\n", 0, left) + 1
    several = _UNPACKED.match(data, line, line + 300)
    if several is None or left > several.end("names"):
        return None
    at = several.end()
    for _ in range(data.count(b",", several.start("names"), left)):
        part = _PART.match(data, at, at + 400)
        if part is None:
            return None
        at = part.end()
    part = _PART.match(data, at, at + 400)
    return Assignment(name, left, "assign", *part.span("v"), True) if part and part["v"] else None
