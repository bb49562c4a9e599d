"""SQL dumps: what INSERT puts into a column that is named as a password.

The columns come from the INSERT itself or from the CREATE TABLE before it, as mysqldump writes them.
"""

import re
from collections.abc import Iterator

from strongroom.scanner.falsealarms import placeholder
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.generic_names import classify
from strongroom.scanner.lazy_pattern import lazy

_STATEMENT = lazy(
    rb"(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<created>[`\"\w.\[\]]+)\s*\(|"
    rb"\bINSERT\s+(?:IGNORE\s+)?INTO\s+(?P<table>[`\"\w.\[\]]+)\s*(?:\((?P<columns>[^()]{1,40"
    rb"00})\))?\s*VALUES\s*|"
    rb"^COPY\s+(?P<copied>[\"\w.]+)\s*\((?P<copycolumns>[^()]{1,4000})\)\s+FROM\s+stdin;[^\n]*\n",
    re.MULTILINE,
)
_COLUMN = lazy(rb"^\s*[`\"\[]?(?P<name>\w+)[`\"\]]?\s+\w+", re.MULTILINE)
_NOT_COLUMNS = frozenset(
    b"PRIMARY UNIQUE KEY INDEX CONSTRAINT FOREIGN CHECK FULLTEXT SPATIAL EXCLUDE".split()
)
_VALUE = lazy(
    rb"\s*(?:[nNeEbBxX]?'(?P<text>(?:[^'\\]|\\.|'')*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|"
    rb"(?P<mark>[(),;])|(?P<bare>[^\s,()';\"]+))"
)
_LIMIT = 20_000
_FLAG = lazy(rb"[\d.]{1,10}|[A-Za-z]|NULL|true|false", re.IGNORECASE)


def dump(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the values of password columns; nothing for SQL that names none."""
    if not re.search(rb"(?i)pass|pwd|secret|token|user|salt", data):
        return
    tables: dict[bytes, list[bytes]] = {}
    for match in _STATEMENT.finditer(data):
        if match["created"]:
            tables[_bare(match["created"])] = _declared(data, match.end())
        elif match["copied"]:
            yield from _copied(data, match)
        else:
            listed = match["columns"]
            columns = (
                [_bare(c) for c in listed.split(b",")] if listed else tables.get(_bare(match["table"]), [])
            )
            if any(_kind(column) for column in columns):
                yield from _inserted(data, match.end(), columns)


def _bare(name: bytes) -> bytes:
    return name.strip().rpartition(b".")[2].strip(b'`"[] ')


def _declared(data: bytes, at: int) -> list[bytes]:
    end = data.find(b";", at)
    body = data[at : end if end > 0 else at + 4000]
    names = (m["name"] for m in _COLUMN.finditer(body.replace(b",", b"\n") if b"\n" not in body else body))
    return [name for name in names if name.upper() not in _NOT_COLUMNS]


def _kind(column: bytes) -> str:
    named = classify(column.decode("ascii", "replace"))
    return named.kind if named is not None and named.strength >= 0.4 else ""


def _inserted(data: bytes, at: int, columns: list[bytes]) -> Iterator[Candidate]:
    """Walk `(a, b), (c, d);` from `at`, counting values by their depth in parentheses."""
    depth = index = 0
    for match in _VALUE.finditer(data, at, at + 4_000_000):
        mark = match["mark"]
        if mark == b";" or (match["bare"] and (depth == 0 or match["bare"].upper() == b"INSERT")):
            return
        if mark == b"(":
            depth += 1
            index = 0 if depth == 1 else index
        elif mark == b")":
            depth -= 1
        elif mark == b",":
            index += depth == 1
        elif depth >= 1 and match.lastgroup in ("text", "double") and index < len(columns):
            yield from _column(columns[index], match.start(match.lastgroup), match[match.lastgroup])


def _column(column: bytes, start: int, value: bytes) -> Iterator[Candidate]:
    kind = _kind(column)
    if (
        kind
        and len(value) >= 3
        and not _FLAG.fullmatch(value)
        and not placeholder(value.decode("utf-8", "replace"))
    ):
        detector = "password_hash" if kind == "password" and len(value) >= 32 else kind
        name = column.decode("ascii", "replace")
        yield Candidate(
            "generic." + detector,
            start,
            start + len(value),
            value,
            name,
            0.95,
            ("a row of a column named as a secret",),
        )


def _copied(data: bytes, match: re.Match[bytes]) -> Iterator[Candidate]:
    """PostgreSQL's `COPY … FROM stdin`: tab-separated rows up to a line `\\.`."""
    columns = [_bare(c) for c in match["copycolumns"].split(b",")]
    at = match.end()
    for _ in range(_LIMIT):
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)]
        if end < 0 or line.startswith((b"\\.", b"COPY ")):
            return
        for column, value in zip(columns, line.split(b"\t"), strict=False):
            if value != b"\\N":
                yield from _column(column, at, value)
            at += len(value) + 1
        at = end + 1
