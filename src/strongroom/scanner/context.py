"""Context detectors: a value without a shape of its own, near a provider's name.

The matcher finds the names; here the text between name and value decides. A
name must be a word (`ably` is not in `probably`), the value must stand alone,
and what is between must not speak of a digest, a path or another assignment.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from strongroom.scanner import regions
from strongroom.scanner.kept_patterns import compiled
from strongroom.scanner.limits import NAME_REACH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONG_NAME = 6  # bytes from which a name is rare enough to begin a longer word

FOLLOW = 3
LONG_RUN = 32  # bytes of a random value that hold a digit where its alphabet has some
GATE = 32  # bytes of a value that the first look asks for
LONG_VALUE = 600  # bytes of a value beyond which it is not followed
_RUN_CHARS = frozenset(regions.ALPHABET.decode())
_SEPARATORS = re.compile(r"\[_\. -\]\?|\\")
_SEPARATOR = re.compile(r"[_\-. ]+")
_WORDS = (
    rb"api|key|token|secret|access|auth|pass|pwd|cred|client|app|account|acct|user|login|private|public|webhook|hook"
    rb"|url|uri|host|id|io|com|org|net|bot|admin|service|server|prod|live|test|dev|db|sdk|config|integration|personal|sid|hq|data|search|labs|ai"
)
_AFTER = cache(lambda: compiled(_WORDS, re.IGNORECASE))  # compiled when first needed: hooks pay for it
_DIGEST = cache(
    lambda: compiled(
        rb"(?i)(?:sha-?\d+|md5|commit|checksum|integrity|digest|revision|etag|\brev\b|\bhash|\bh1"
        rb"|\bsha\b|fingerprint|thumbprint)[\w\"' ]*[:=\-(\s\"']*$"
        rb"|\b(?:tree|parent|blob|oid|merge|pick|head)\b[:=\s\"']*$"
    )
)
# Ends with a name of its own, for a value that tells things apart and opens nothing.
_IDENTIFIER = cache(
    lambda: compiled(
        rb"(?i)(?:request|trace|span|correlation|run|build|job|event|message|transaction|tenant|order|device"
        rb"|instance|project|server|session|page|team|group|parent|object|document|asset|build|machine|node)"
        rb"[_ -]?(?:uuid|guid|id)[\"']?[\s=:|]{0,5}[\"']?$"
    )
)
# What may follow a name on its line when the value stands alone on the next.
_LABEL = cache(
    lambda: compiled(rb"(?i)[\"'\])>]{0,2}[\w .-]{0,32}?(?:(?:key|token|secret|password|pass|id)s?)?\W{0,4}")
)
_OWN_NAME = cache(
    lambda: compiled(
        rb"(?i)(?:key|token|secret|pass|pwd|auth|api|cred|value|account|sid|bearer|basic"
        rb"|\bid\b|_id\b|client|string|data)[\w\"'\])>.\- ]{0,24}$"
    )
)


def name_pattern(name: str) -> str:
    """A pattern for `name` in which `_`, `-`, `.`, a space and nothing are equal; for both engines."""
    return "[_. -]?".join(re.escape(part) for part in _SEPARATOR.split(name) if part)


def scan_pattern(pattern: str) -> str:
    """What the database looks for: a short name only where it begins a word, so that it wakes nobody in vain.

    Such a hit ends up to FOLLOW bytes after the name.
    """
    if len(_SEPARATORS.sub("", pattern)) >= LONG_NAME or not pattern[0].isalpha():
        return f"(?i){pattern}"
    capital = f"{pattern[0].upper()}(?i:{pattern[1:]})"
    follow = "[^a-z]|api|app|key|tok|sec|aut|pas|pwd|cli|cre|acc|use|url|id"
    return rf"(?:(?:\b|_)(?i:{pattern})|[a-z]{capital})(?:{follow})"


def is_word(data: bytes, start: int, end: int) -> bool:
    """Whether the name at data[start:end] begins and ends a word, camel case included."""
    before, after = data[start - 1 : start], data[end : end + 1]
    if before.isdigit():
        return False
    if before.isalpha() and not (before.islower() and data[start : start + 1].isupper()):
        return False
    last = data[end - 1 : end]
    if after.isalpha() and after.islower() == last.islower():
        return end - start >= LONG_NAME or _AFTER().match(data, end) is not None
    return not (after.islower() and last.isupper() and end - start > 1)


@lru_cache(maxsize=4096)
def value_pattern(value: str) -> re.Pattern[bytes]:
    """Compile `value` so that it stands alone: no neighbour could belong to it."""
    charset = _charset(value)
    inner = "".join(re.escape(c) for c in sorted(charset - set("\"'` \t\n=:,;()<>[]{}|&")))
    edge = rf"A-Za-z0-9_\-/+{inner}"
    return compiled(rf"(?<![.\\{edge}])({value})(?![={edge}]|\.[A-Za-z0-9])".encode())


def gate(values: Iterable[str]) -> tuple[str, int]:
    """A pattern that stands after a name wherever one of `values` does, and its width: a cheap first look."""
    charset = frozenset[str]().union(*(_charset(value) for value in values))
    width = min(min(_narrowest(value), GATE) for value in values)
    inner = "".join(re.escape(c) for c in sorted(charset))
    return (f"[{inner}]{{{width}}}" if charset and width else "", width)


def _narrowest(value: str) -> int:
    """The fewest bytes that `value` matches."""
    from re import _parser  # noqa: PLC0415 (private: the only parser there is)

    return int(_parser.parse(value).getwidth()[0])


@lru_cache(maxsize=4096)
def _charset(value: str) -> frozenset[str]:
    """The printable characters that `value` can hold."""
    from re import _parser  # noqa: PLC0415 (private: the only parser there is)

    found: set[str] = set()
    rest = [_parser.parse(value)]
    while rest:
        node = rest.pop()
        if isinstance(node, tuple) and node and str(node[0]) == "LITERAL":
            found.add(chr(node[1]))
        elif isinstance(node, tuple) and node and str(node[0]) == "RANGE":
            found.update(chr(c) for c in range(node[1][0], node[1][1] + 1))
        elif isinstance(node, _parser.SubPattern | tuple | list):
            rest.extend(node)
    return frozenset(found)


def needs_digit(value: str) -> bool:
    """Whether a real value of this form nearly always has a digit: so a word is none."""
    charset = _charset(value)
    return "0" in charset and ("a" in charset or "A" in charset)


def stands_in_run(value: str) -> bool:
    """Whether each value kept is a run that regions.py can tell by its length and a digit."""
    charset, least = _charset(value), _narrowest(value)
    digits = needs_digit(value) if least < LONG_RUN else not charset.isdisjoint("0123456789")
    return digits and least >= regions.LEAST and charset <= _RUN_CHARS


def values(pattern: re.Pattern[bytes], data: bytes, name_end: int, reach: int) -> Iterator[tuple[int, int]]:
    """Yield spans of `pattern` that the name ending at `name_end` speaks about.

    `reach` is the longest value in bytes.
    """
    for found in pattern.finditer(data, name_end, name_end + NAME_REACH + min(reach, LONG_VALUE) + 1):
        start, end = found.span(1)
        between = data[name_end:start]
        if len(between) > NAME_REACH:
            return
        if between and _speaks(between):
            yield start, end


def _speaks(between: bytes) -> bool:
    """Whether the text between a name and a value ties the two together."""
    if _DIGEST().search(between) or _IDENTIFIER().search(between):
        return False
    lines = between.count(b"\n")
    if lines == 0:
        return True
    if lines > 2:
        return False
    own = between[between.rfind(b"\n") + 1 :]
    if not own.strip(b" \t\"'`-"):
        return lines == 1 and _LABEL().fullmatch(between[: between.find(b"\n")].strip()) is not None
    head = own.rstrip(b" \t\"'`:=>([{,|")
    return _OWN_NAME().search(head) is not None
