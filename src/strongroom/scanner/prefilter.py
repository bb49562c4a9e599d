"""The cheap form of a detector: what the one matching database looks for.

A pattern is cut after its first literal part and the shortest run that must
follow, so that a hit costs nothing per byte and fires once per secret. `re`
decides the rest around the hit. Where no literal stands early enough, the
detector's keywords are looked for instead.
"""

from __future__ import annotations

import re
from re import _constants as op  # (private: the only parser there is)
from re import _parser
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.scanner.confirm import reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAYS = 64  # ways through the branches of a pattern that are looked at
WIDTH = 12  # bytes that a cut pattern matches at least
RUN = 32  # longest run kept in a cut pattern
VAGUE = 8  # a repeat of more than this before the literal: look for the keyword instead
SHORT_KEYWORD = 4


class Cut(NamedTuple):
    """A pattern for the database; `lead` is how far before a hit's end the secret's match may begin."""

    expression: str
    lead: int


def cut(pattern: str, keywords: Sequence[str]) -> Cut | None:
    """Return the cheap form of `pattern`, or None when its keywords are the cheaper thing to look for."""
    tree = _parser.parse(pattern)
    caseless = bool(tree.state.flags & re.IGNORECASE)
    kept: list[Any] = []
    for item in _flatten(tree):
        if item[0] in _REPEATS and (item[1][0] != item[1][1] or item[1][0] > RUN):
            low, high, inner = item[1]
            shortest = [(op.MAX_REPEAT, (min(low, RUN), min(low, RUN), inner))] if low else []
            telling = _telling(kept, keywords, caseless=caseless)
            if telling and _width(kept + shortest) >= WIDTH:
                kept += shortest
                break
            if not telling and high > VAGUE:
                return None
        kept.append(item)
    expression = ("(?i)" if caseless else "") + "".join(_render(item) for item in kept)
    return Cut(expression, reach(expression))


_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)


def _flatten(items: Any) -> Iterator[Any]:
    """Yield the items of a sequence with its plain groups opened."""
    for item in items:
        if item[0] is op.SUBPATTERN and not item[1][1] and not item[1][2]:
            yield from _flatten(item[1][3])
        else:
            yield item


def _telling(kept: list[Any], keywords: Sequence[str], *, caseless: bool) -> bool:
    """Whether all that `kept` can match holds a keyword."""
    words = [word.lower() if caseless else word for word in keywords]
    texts = _texts(kept)
    if caseless:
        texts = [text.lower() for text in texts]
    return all(any(word in text for word in words) for text in texts)


def _texts(items: Any) -> list[str]:
    """The literal texts of a sequence, one for each way through its branches; other items are a NUL."""
    texts = [""]
    for kind, value in _flatten(items):
        if kind is op.LITERAL:
            texts = [text + chr(value) for text in texts]
        elif kind is op.BRANCH and len(texts) < WAYS:
            texts = [text + way for text in texts for branch in value[1] for way in _texts(branch)]
        elif kind is not op.AT:
            texts = [text + "\0" for text in texts]
    return texts


def _width(items: list[Any]) -> int:
    return sum(int(_single(item)) for item in items)


def _single(item: Any) -> int:
    """The fewest bytes that `item` matches."""
    kind, value = item
    if kind in _REPEATS:
        return int(value[0] * sum(_single(inner) for inner in value[2]))
    if kind is op.BRANCH:
        return min(sum(_single(inner) for inner in branch) for branch in value[1])
    if kind is op.SUBPATTERN:
        return sum(_single(inner) for inner in value[3])
    return 0 if kind is op.AT else 1


_AT = {
    op.AT_BEGINNING: "^",
    op.AT_BEGINNING_STRING: r"\A",
    op.AT_END: "$",
    op.AT_END_STRING: r"\z",
    op.AT_BOUNDARY: r"\b",
    op.AT_NON_BOUNDARY: r"\B",
}
_CATEGORY = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


def _char(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\x{code:02x}"


def _render(item: Any) -> str:
    """Write one item of Python's parse tree as a pattern for Hyperscan."""
    kind, value = item
    if kind in _REPEATS:
        low, high, inner = value
        bound = "" if high == op.MAXREPEAT else str(high)
        return f"(?:{''.join(map(_render, inner))}){{{low},{bound}}}"
    return _RENDER[kind](value)


def _render_in(value: Any) -> str:
    parts = []
    for kind, inner in value:
        if kind is op.NEGATE:
            parts.append("^")
        elif kind is op.RANGE:
            parts.append(f"{_char(inner[0])}-{_char(inner[1])}")
        else:
            parts.append(_CATEGORY[inner] if kind is op.CATEGORY else _char(inner))
    return f"[{''.join(parts)}]"


def _render_group(value: Any) -> str:
    _, added, _, items = value
    return f"(?{'i' if added & re.IGNORECASE else ''}:{''.join(map(_render, items))})"


_RENDER = {
    op.LITERAL: _char,
    op.NOT_LITERAL: lambda value: f"[^{_char(value)}]",
    op.ANY: lambda _value: ".",
    op.AT: lambda value: _AT[value],
    op.IN: _render_in,
    op.BRANCH: lambda value: f"(?:{'|'.join(''.join(map(_render, branch)) for branch in value[1])})",
    op.SUBPATTERN: _render_group,
}


TELLING = 6  # bytes of a keyword that say enough without its ends
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = {"+": "[+-]", "/": "[/_]"}


def in_base64(keyword: bytes, *, literals: bool = False) -> list[str]:
    """What `keyword` looks like inside base64, for each of the three ways it can fall.

    The characters at its ends hold bits of its neighbours: they are classes, or
    left out for `literals` and where enough remains. A keyword of fewer than four bytes says too little.
    """
    exact = literals or len(keyword) >= TELLING
    if len(keyword) < 4:
        return []
    return [_aligned(keyword, shift, literals=literals, exact=exact) for shift in range(3)]


def _aligned(keyword: bytes, shift: int, *, literals: bool, exact: bool) -> str:
    """Write the bits of `keyword` after `shift` unknown bytes as base64; `exact` leaves out its ends."""
    tail = -(shift + len(keyword)) % 3
    value = int.from_bytes(b"\0" * shift + keyword + b"\0" * tail, "big")
    known = int.from_bytes(b"\0" * shift + b"\xff" * len(keyword) + b"\0" * tail, "big")
    parts = []
    for place in range(8 * (shift + len(keyword) + tail) - 6, -1, -6):
        digit, mask = value >> place & 63, known >> place & 63
        if mask == 63:
            parts.append(_ALPHABET[digit] if literals else _URL_SAFE.get(_ALPHABET[digit], _ALPHABET[digit]))
        elif mask and not exact:
            chars = [c for n, c in enumerate(_ALPHABET) if n & mask == digit]
            text = "".join(chars).replace("+", "+\\-").replace("/", "/_")
            parts.append(f"[{text}]")
    return "".join(parts)
