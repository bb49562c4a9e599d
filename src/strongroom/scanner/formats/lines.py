"""Files of plain lines whose place tells what is secret: PPP, IPsec, Postfix, SNMP, OpenVPN, CSV and others.

Sources: pppd(8), ipsec.secrets(5), postfix's SASL_README, snmpd.conf(5), mount.davfs(8), openvpn(8).
"""

import csv
import io
import re
from collections.abc import Iterator

from strongroom.scanner.falsealarms import placeholder, unfilled
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.formats.programs import snmp_communities
from strongroom.scanner.generic_names import classify
from strongroom.scanner.lazy_pattern import lazy

_REASON = ("its place in the file says what it is",)
_QUOTED_OR_WORD = rb"(?:\"(?P<q>[^\"\n]{3,200})\"|(?P<v>[^\s\"#][^\s]{2,200}))"
_PPP = lazy(rb"^[ \t]*(?!#)(?:\"[^\"\n]*\"|\S+)[ \t]+\S+[ \t]+" + _QUOTED_OR_WORD, re.MULTILINE)
_IPSEC = lazy(
    rb"^[^#\n]*:[ \t]*(?:PSK|EAP|XAUTH|NTLM|PIN|PASS|(?:RSA|ECDSA|P12)[ \t]+\S+)[ \t]+" + _QUOTED_OR_WORD,
    re.MULTILINE,
)
_SASL = lazy(rb"^[ \t]*(?!#)\S+[ \t]+[^\s:]+:(?P<v>\S[^\r\n]{1,200}?)[ \t]*\r?$", re.MULTILINE)
_DAVFS = lazy(rb"^[ \t]*(?!#)(?:\S+)[ \t]+(?:\"[^\"\n]*\"|\S+)[ \t]+" + _QUOTED_OR_WORD, re.MULTILINE)
_SNMP = lazy(
    rb"^[ \t]*createUser[ \t]+(?:-e[ \t]+\S+[ \t]+)?\S+[ \t]+(?:MD5|SHA[\w-]*)[ \t]+" + _QUOTED_OR_WORD,
    re.MULTILINE | re.IGNORECASE,
)
_TWO_LINES = lazy(rb"\A[^\s:=#<>{]{1,120}\r?\n(?P<v>[^\s<>{]{4,120})\s*\Z")
_COOKIE = lazy(rb"\A\s*(?P<v>[A-Z]{16,64})\s*\Z")
_USERS = lazy(rb"^\[users\][^\n]*\n(?P<body>(?:(?!\[)[^\n]*(?:\n|\Z))*)", re.MULTILINE)
_ENTRY = lazy(rb"^[ \t]*(?!#)[^\s=#]+[ \t]*=[ \t]*(?P<v>[^\s][^\n\r]{1,200}?)[ \t]*\r?$", re.MULTILINE)
_HEIDI = lazy(rb"^[^\n]*\\Password<\|\|\|>\d<\|\|\|>(?P<v>[0-9a-fA-F]{4,200})\s*$", re.MULTILINE)
_LONGEST_ROW = 4000
_ROWS = 20_000


def _found(match: re.Match[bytes], detector: str = "password", name: str = "password") -> Iterator[Candidate]:
    group = "q" if match.groupdict().get("q") else "v"
    if not unfilled(match[group].decode("utf-8", "replace")):
        yield Candidate(
            f"generic.{detector}", match.start(group), match.end(group), match[group], name, 0.97, _REASON
        )


def _each(pattern: re.Pattern[bytes], data: bytes, detector: str = "password") -> Iterator[Candidate]:
    for match in pattern.finditer(data):
        yield from _found(match, detector)


def ppp_secrets(path: str, data: bytes) -> Iterator[Candidate]:
    """`client server secret addresses`."""
    yield from _each(_PPP, data)


def ipsec_secrets(path: str, data: bytes) -> Iterator[Candidate]:
    """`who : PSK "secret"`."""
    yield from _each(_IPSEC, data)


def sasl_passwd(path: str, data: bytes) -> Iterator[Candidate]:
    """`host user:password`."""
    yield from _each(_SASL, data)


def davfs_secrets(path: str, data: bytes) -> Iterator[Candidate]:
    """`address user password`."""
    yield from _each(_DAVFS, data)


def snmpd(path: str, data: bytes) -> Iterator[Candidate]:
    """`createUser name SHA secret AES secret`, and the names of communities."""
    yield from _each(_SNMP, data)
    yield from snmp_communities(path, data)


def two_lines(path: str, data: bytes) -> Iterator[Candidate]:
    """OpenVPN's `auth-user-pass`: a user and a password, one a line."""
    yield from _each(_TWO_LINES, data)


def erlang_cookie(path: str, data: bytes) -> Iterator[Candidate]:
    """One word of capitals that lets a node into a cluster."""
    yield from _each(_COOKIE, data, "secret")


def heidi(path: str, data: bytes) -> Iterator[Candidate]:
    """HeidiSQL's exported settings."""
    yield from _each(_HEIDI, data, "stored_login")


def svn_users(path: str, data: bytes) -> Iterator[Candidate]:
    """svnserve's `passwd`: `user = password` under `[users]`; nothing in other files."""
    for section in _USERS.finditer(data):
        for match in _ENTRY.finditer(data, *section.span("body")):
            yield from _found(match)


def table(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the columns of comma-separated values that the first row names as passwords."""
    head = data[:_LONGEST_ROW].split(b"\n", 1)[0]
    names = next(csv.reader(io.StringIO(head.decode("utf-8-sig", "replace"))), [])
    wanted = [n for n, name in enumerate(names) if (kind := classify(name)) and kind.strength >= 0.7]
    if not wanted or len(names) < 2:
        return
    at = data.find(b"\n") + 1
    for _ in range(_ROWS):
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)]
        if not at or not line:
            return
        yield from _row(line[:_LONGEST_ROW], at, names, wanted)
        at = end + 1


def _row(line: bytes, at: int, names: list[str], wanted: list[int]) -> Iterator[Candidate]:
    text = line.decode("latin-1")
    cells = next(csv.reader(io.StringIO(text)), [])
    for n in wanted:
        cell = cells[n] if n < len(cells) else ""
        before = sum(len(c) + 1 for c in cells[:n])
        start = text.find(cell, max(0, before))
        if len(cell) >= 3 and start >= 0 and not placeholder(cell):
            raw = cell.encode("latin-1")
            yield Candidate(
                "generic.password", at + start, at + start + len(raw), raw, names[n], 0.95, _REASON
            )
