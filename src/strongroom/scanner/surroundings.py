"""Where a context detector's value is none: the file and the lines around it say what else it is.

A name and a run of hexadecimal digits stand together in every lock file, list of digests and
cookie jar. This is asked only of the few values that passed all else.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from strongroom.scanner.generic_language import place_of
from strongroom.scanner.kept_patterns import compiled

if TYPE_CHECKING:
    from strongroom.scanner.finding import Match

_REACH = 16 << 10  # bytes before a value in which its armour may begin
_LINE = 400  # bytes of a line that are read to either side
_LISTED = cache(
    lambda: compiled(
        rb"[ \t*|#>-]{0,8}(?:(?:commit|pick|merge|tree|blob|parent) )?[0-9a-fA-F]{32,128}"
        rb"(?:[ \t]{1,4}\*?[^\s:=|]|:[ \t]?[A-Za-z]).*"
    )
)
_LEAD = cache(lambda: compiled(rb"[ \t*|#>-]{0,8}(?:(?:commit|pick|merge|tree|blob|parent) )?"))
_DIGESTS = cache(lambda: compiled(rb"(?<![0-9A-Za-z])[0-9a-fA-F]{32,128}(?![0-9A-Za-z])"))
_BODY = cache(
    lambda: compiled(rb"[ \t\"']{0,12}[0-9A-Za-z+/_-]{40,128}={0,2}(?:\\n)?[\"']?[,+]?[ \t\r\\]{0,4}")
)
_COOKIE = cache(
    lambda: compiled(
        rb"(?i)(?:^|[^a-z])(?:set-)?cookies?2?[\"']?[ \t]{0,3}[:=,(][^\n]*$"
        rb"|\t(?:TRUE|FALSE)\t\d{1,12}\t[^\n]*$"
    )
)
_METADATA = cache(
    lambda: compiled(rb"(?:xmp\.\w+|(?<![\w-])uuid|urn:[a-z]+):$|<rdf:|xmlns:|\bxmpMM:|\bstRef:|\bxap\w*:")
)
_MAGIC = (b"xmp.did:", b"xmp.iid:", b"ns.adobe.com/x", b"<x:xmpmeta")


def settled(path: str, data: bytes, matches: list[Match]) -> list[Match]:
    """Leave out the context matches whose surroundings speak against them."""
    return [
        m
        for m in matches
        if m.detector.kind != "context" or not elsewhere(m.detector.id, path, data, (m.start, m.end))
    ]


def elsewhere(kind: str, path: str, data: bytes, span: tuple[int, int]) -> str:
    """Say what the value at `span` is besides a secret of the detector `kind`, or ""."""
    start, end = span
    if place_of(path).lock:
        return "a file of digests or of styles"
    line_start = data.rfind(b"\n", max(0, start - _LINE), start) + 1 or max(0, start - _LINE)
    line_end = data.find(b"\n", end, end + _LINE)
    line_end = line_end if line_end >= 0 else min(len(data), end + _LINE)
    before, line = data[line_start:start], data[line_start:line_end]
    if _COOKIE().search(before) and "cookie" not in kind and "sess" not in kind:
        return "a cookie"
    if _METADATA().search(before) or any(mark in data[start - 200 : end + 200] for mark in _MAGIC):
        return "an identifier in a document's metadata"
    if _in_armour(data, start, line, (line_start, line_end)):
        return "a part of an encoded text"
    if _in_list(data, before, line, (line_start, line_end)):
        return "one of a list of digests"
    return ""


def _in_armour(data: bytes, start: int, line: bytes, span: tuple[int, int]) -> bool:
    """Whether a value is a line of base64 among others, or stands between BEGIN and END."""
    begin = data.rfind(b"-----BEGIN ", max(0, start - _REACH), start)
    if begin >= 0 and data.find(b"-----END ", begin, start) < 0:
        return True
    if not _BODY().fullmatch(line):
        return False
    return any(_BODY().fullmatch(near) for near in _neighbours(data, span))


def _in_list(data: bytes, before: bytes, line: bytes, span: tuple[int, int]) -> bool:
    """Whether a line is one of `digest  name`, or two digests as long stand near it, all unnamed."""
    if _LEAD().fullmatch(before) and _LISTED().fullmatch(line.rstrip()):
        return True
    if before.rstrip(b" \t\"'").endswith((b"=", b":", b">", b"(")):
        return False
    own = {len(found) for found in _DIGESTS().findall(line)}
    around = data[max(0, span[0] - _LINE) : span[1] + _LINE]
    return sum(len(found) in own for found in _DIGESTS().findall(around)) >= 3


def _neighbours(data: bytes, span: tuple[int, int]) -> list[bytes]:
    """The lines before and after the one at `span`, as far as there are any."""
    start, end = span
    found = []
    if start > 0:
        low = data.rfind(b"\n", max(0, start - 1 - _LINE), start - 1) + 1
        found.append(data[low or max(0, start - 1 - _LINE) : start - 1])
    if end < len(data):
        high = data.find(b"\n", end + 1, end + 1 + _LINE)
        found.append(data[end + 1 : high if high >= 0 else end + 1 + _LINE])
    return found
