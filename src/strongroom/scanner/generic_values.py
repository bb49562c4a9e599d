"""Reads the value of an assignment: quoted, wrapped in a call, on the next line, or bare.

What may be a value without quotes depends on the language, and on what follows on its line.
"""

import re
from typing import NamedTuple

from strongroom.scanner.generic_language import Place
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


# Functions that make a value of their one argument, and those that look one up and may be given another.
_MAKES = (
    rb"(?i:\w{0,20}(?:str(?:ing)?|secure\w*|secret\w*|passw\w*|credentials?|token|key|text|value|chars|data|bytes|"
    rb"buffer|\w{0,16}literal)|\[\]byte|bytes?|from|some|of|optional|b64\w+|base64\w*|base64\.\w+|valueof|sha\w+|md5|pointer|ptr|"
    rb"unhex\w*|fromhex|\w{0,10}decode\w{0,10}|hex2bin|must\w*|quote|literal|box::new|u|n|q|just|ok)"
)
_LOOKS_UP = (
    rb"(?i:get\w{0,20}|\w{0,6}env\w{0,4}|fetch|default\w*|lookup|setdefault|config|option|property|prop|dig|"
    rb"optional|find\w{0,12})"
)
_WRAP = lazy(
    rb"(?:(?:new\s{1,2})?(?:[A-Za-z_][\w:!]{0,40}[.:>]{1,2})??(?:"
    + _MAKES
    + rb"!?[(\[]{1,2}\s{0,30}(?:[\"'][\w.\-]{1,60}[\"']\s{0,3},\s{0,8})?|"
    + _LOOKS_UP
    + rb"!?[(\[]{1,2}\s{0,30}(?:[\w.]{1,40},\s?)?[\"'][\w.\-]{1,60}[\"']\s{0,3},\s{0,8})"
    + rb"|(?:process\.env|ENV|os\.environ)[\w.\[\]\"']{1,60}\s{0,3}(?:\|\||\?\?|or)\s{0,3}|"
    rb"\(?[\w.]{1,40}\s(?:\?\?|\|\|)\s|"
    rb"[\w.:>\-]{1,40}\([\"'][\w.\-]{1,60}[\"']\)\s{0,3}(?:\|\||\?\?|\?:|or)\s{0,3}|<\w{1,20}>\s?|\[\s?)?(?=[A-Za-z@$]{0,2}\\{0,3}[\"'`])"
)
_QUOTED = lazy(
    rb"(?:[bBrRuUfFLNqQ@$]{0,2})(?P<q>\"\"\"|'''|``|\\{0,3}\"|\\{0,3}'|`)(?P<v>(?:(?!(?P=q))[^\n\\]|"
    rb"\\[^\n\"']|(?!(?P=q))\\[\"']){1,2000}?)(?P=q)"
)
_BARE = lazy(rb"[^\s\"'`<>,;]{1,400}")
_BARE_LINE = lazy(rb"[^\s\"'`][^\s]{0,400}")
_EMBEDDED = lazy(rb"[^\s\"'`<>;&\\,)}\]]{1,400}")
_MORE = lazy(rb"(?<=.)[&;]\w{1,40}=")
_LINE_REST = lazy(rb"[ \t]{0,20}(?:(?:#|//|;|--|<!--)[^\n]*|\\|[,;]|</[\w:]+>)?[ \t]*\r?(?:\n|$)")
_TEXT = lazy(rb"(?:<!\[CDATA\[)?(?P<v>[^<>\n]{1,2000}?)(?:\]\]>)?\s{0,30}</")


def literal_near(data: bytes, end: int) -> bool:
    """Whether code can hold a literal at a hit: a quote follows on the line, or the line is a comment."""
    stop = data.find(b"\n", end, end + 200)
    rest = data[end - 1 : stop if stop >= 0 else end + 200]
    return b'"' in rest or b"'" in rest or b"`" in rest or _in_comment(data, end)


def element(data: bytes, name: str, left: int, at: int) -> Assignment | None:
    text = _TEXT.match(data, at, at + 2100)
    if text is None:
        return None
    return Assignment(name, left, "element", text.start("v"), text.start("v") + len(text["v"].rstrip()), True)


def value(data: bytes, name: str, left: int, op: str, at: int, place: Place) -> Assignment | None:
    """Read the value at `at`: quoted, wrapped in a call, or bare where the language has bare strings."""
    if op == "pair" and data[at - 1 : at] == b">":
        return element(data, name, left, at)
    if _closes(data, left, at):
        return None
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


def _closes(data: bytes, left: int, at: int) -> bool:
    """Whether the quote at `at` ends the text that its name stands in, as in `"password=" + value`."""
    quote = data[at : at + 1]
    if quote not in (b'"', b"'") or quote in data[left:at] or data[at + 1 : at + 2] == quote:
        return False
    line = data[max(data.rfind(b"\n", 0, left) + 1, left - 400) : left]
    return (line.count(quote) - line.count(b"\\" + quote)) % 2 == 1


_BREAK = lazy(rb"\(?[ \t]*\\?\r?\n\s{1,40}(?=[bBrRuUfF]?[\"'`][^\"'`:\n]+[\"'`]\s*[),;\n])")


def _next_line(data: bytes, at: int) -> re.Match[bytes] | None:
    return _BREAK.match(data, at, at + 300)


def _bare(data: bytes, name: str, left: int, op: str, at: int, place: Place) -> Assignment | None:
    keyed = b'"' in data[left:at] or b"'" in data[left:at]
    if op == "embedded" or (not keyed and _in_string(data, left)):
        tight = data[at - 1 : at] == b":" and place.kind == "code"
        bare = None if tight else _EMBEDDED.match(data, at)
        return Assignment(name, left, "embedded", at, bare.end(), False) if bare else None
    if place.kind == "code" and not _in_comment(data, left):
        return None
    return _bare_word(data, name, left, op, at, place)


def _bare_word(data: bytes, name: str, left: int, op: str, at: int, place: Place) -> Assignment | None:
    """A value without quotes: one word, and nothing but a comment after it on its line."""
    flow = b"{" in data[max(data.rfind(b"\n", 0, left), left - 200) : left]
    if data[at : at + 6] == b"!!str ":
        at += 6
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
    rb"(?i)(?:^|\n)[ \t]{0,16}(?:env|arg|set|export|setenv|machine[^\n]{0,80}|\w{0,12}\(|-)?[ \t]{0,4}\"?$"
)


def _directive(data: bytes, left: int, place: Place) -> bool:
    """Whether a name that a space alone joins to its value begins its line, as in `requirepass x`."""
    return place.suffix == "robot" or (
        place.kind in ("shell", "config", "")
        and _DIRECTIVE.search(data, max(0, left - 120), left) is not None
    )


_PAIRS = lazy(rb"\s{1,3}[\w.-]{1,40}=\S")  # more settings on a line


def _listed(data: bytes, end: int, place: Place) -> bool:
    """Whether a bare value may be followed by more on its line: shell commands, flow mappings."""
    follow = data[end : end + 2]
    if place.kind == "config":
        return follow[:1] in (b",", b"}") or _PAIRS.match(data, end, end + 60) is not None
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
