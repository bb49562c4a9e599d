"""SQL statements with places for values: read as the database reads them, filled by its driver's quoting.

Data is never syntax. A statement is split into words by the database's own lexical
rules; a place inside quotes has its whole word unquoted, filled and quoted again, a
place outside becomes a quoted word. Inside code within code (dollar quotes, escape
strings) no quoting is right for all that may follow, so only harmless values may stand there.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from strongroom.errors import InvalidRequest

PLACE = re.compile(r"\{\{\s*(name|username|password|expiration)\s*\}\}")
HARMLESS = re.compile(r"[A-Za-z0-9_.:+]+(?:[- ]?[A-Za-z0-9_.:+]+)*")
NAMES = frozenset({"name", "username"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one database reads and quotes.

    `words` matches one word; its groups `comment`, `text`, `name`, `nested` and `broken` say
    what it is, code and `;` being the rest. `read_text` and `read_name` give what is inside
    quotes, `text` and `name` quote. `bare_name` quotes an account's name outside of quotes.
    """

    words: re.Pattern[str]
    read_text: Callable[[str], str]
    read_name: Callable[[str], str]
    text: Callable[[str], str]
    name: Callable[[str], str]
    bare_name: Callable[[str], str]


def given(statements: Iterable[str]) -> tuple[str, ...]:
    """The statements in what a client sent: text, text in base64, or a JSON array of text, also in base64."""
    found: list[str] = []
    for text in statements:
        found += _unpacked(text)
    return tuple(statement for statement in found if statement.strip())


def _unpacked(text: str) -> list[str]:
    with suppress(binascii.Error, UnicodeDecodeError, ValueError):  # plain SQL holds blanks
        text = base64.b64decode(text, validate=True).decode()
    if not text.lstrip().startswith("["):
        return [text]
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        return [text]


def check(statements: Iterable[str], dialect: Dialect) -> None:
    """Refuse statements that cannot be read. Raises InvalidRequest."""
    for statement in statements:
        _words(statement, dialect)


def filled(statements: Iterable[str], values: Mapping[str, str], dialect: Dialect) -> list[str]:
    """The single statements with their values in place, without comments.

    Raises InvalidRequest when a value cannot be placed safely.
    """
    made: list[str] = []
    for statement in statements:
        current = ""
        for kind, word in _words(statement, dialect):
            if kind == "end":
                made.append(current.strip())
                current = ""
            else:
                current += _fill(kind, word, values, dialect)
        made.append(current.strip())
    return [statement for statement in made if statement]


@lru_cache(maxsize=256)
def _words(statement: str, dialect: Dialect) -> tuple[tuple[str, str], ...]:
    """A statement's words with their kinds: read once, the same statements come again."""
    return tuple(_read(statement, dialect))


def _read(statement: str, dialect: Dialect) -> Iterator[tuple[str, str]]:
    if "\0" in statement:
        raise InvalidRequest("a statement holds a NUL character")
    at = 0
    while at < len(statement):
        match = dialect.words.match(statement, at)
        kind = match.lastgroup if match is not None else None
        if match is None or kind == "broken":
            raise InvalidRequest("a statement has a quote or comment that does not end, or cannot be used")
        yield kind or "code", match[0]
        at = match.end()


def _fill(kind: str, word: str, values: Mapping[str, str], dialect: Dialect) -> str:
    if kind == "comment":
        return " "
    if not PLACE.search(word):
        return word
    if kind == "text":
        return dialect.text(PLACE.sub(lambda place: values[place[1]], dialect.read_text(word)))
    if kind == "name":
        return dialect.name(PLACE.sub(lambda place: values[place[1]], dialect.read_name(word)))
    if kind == "nested":
        return PLACE.sub(lambda place: _harmless(place[1], values), word)
    return PLACE.sub(lambda place: _bare(place[1], values, dialect), word)


def takes(statements: Iterable[str], password: str, dialect: Dialect) -> bool:
    """Whether a password may stand wherever the statements put one."""
    nested = (word for text in statements for kind, word in _words(text, dialect) if kind == "nested")
    placed = any(place[1] == "password" for word in nested for place in PLACE.finditer(word))
    return not placed or _is_harmless(password)


def _is_harmless(value: str) -> bool:
    return " " not in value and HARMLESS.fullmatch(value) is not None


def _bare(place: str, values: Mapping[str, str], dialect: Dialect) -> str:
    return (dialect.bare_name if place in NAMES else dialect.text)(values[place])


def _harmless(place: str, values: Mapping[str, str]) -> str:
    if place != "expiration" and not _is_harmless(values[place]):
        raise InvalidRequest(
            f"the {place} holds characters that cannot stand inside nested code of a statement"
        )
    return values[place]
