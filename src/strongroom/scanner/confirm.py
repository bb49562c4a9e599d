"""The second look at a hit: the exact pattern, then everything that makes it no secret.

`Rule` is a detector ready to run; patterns compile when first needed, so a
hook that meets no hit compiles nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import log2
from typing import TYPE_CHECKING

from strongroom.scanner import context
from strongroom.scanner.finding import Match
from strongroom.scanner.kept_patterns import compiled
from strongroom.scanner.limits import WINDOW
from strongroom.scanner.placeholders import dull, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.detector import Detector

_MANGLED = (b"_ZN", b"_ZS", b"_ZT", b"_ZK", b"_RN")
_CHARSETS = {
    "digit": re.compile(rb"[0-9]"),
    "upper": re.compile(rb"[A-Z]"),
    "lower": re.compile(rb"[a-z]"),
    "letter": re.compile(rb"[A-Za-z]"),
}


class Rule:
    """A detector with its compiled patterns. `reach` is the longest match in bytes."""

    __slots__ = ("_allow", "_names", "_pattern", "detector", "reach")

    def __init__(self, detector: Detector, reach: int) -> None:
        self.detector = detector
        self.reach = reach
        self._pattern: re.Pattern[bytes] | None = None
        self._allow: list[re.Pattern[bytes]] | None = None
        self._names: re.Pattern[bytes] | None = None

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """The exact pattern; for a context detector that of the value."""
        if self._pattern is None:
            d = self.detector
            self._pattern = (
                context.value_pattern(d.value) if d.kind == "context" else compiled(d.pattern.encode())
            )
        return self._pattern

    @property
    def allow(self) -> list[re.Pattern[bytes]]:
        """Patterns of documentation samples."""
        if self._allow is None:
            self._allow = [compiled(text.encode()) for text in self.detector.allow]
        return self._allow

    @property
    def names(self) -> re.Pattern[bytes]:
        """Any of a context detector's names."""
        if self._names is None:
            text = "|".join(context.name_pattern(name) for name in self.detector.names)
            self._names = compiled(f"(?i)(?:{text})".encode())
        return self._names


def rule(detector: Detector) -> Rule:
    """Make a detector ready to run."""
    text = detector.value if detector.kind == "context" else detector.pattern
    return Rule(detector, reach(text))


def reach(pattern: str) -> int:
    """The most bytes that `pattern` can match, at most WINDOW."""
    from re import _parser  # noqa: PLC0415 (private: the only parser there is)

    return min(int(_parser.parse(pattern.encode()).getwidth()[1]), WINDOW)


def spans(found: Rule, data: bytes, low: int, high: int, before: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the exact pattern's group 1 between `low` and `high`.

    A match begins before `before`: a later one might be cut off at `high`.
    """
    for hit in found.pattern.finditer(data, low, high):
        if hit.start() >= before:
            return
        if hit.start(1) >= 0:
            yield hit.span(1)


def every_span(found: Rule, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the spans in all of `data`, without the matcher's help: the reference for its tests."""
    if found.detector.kind != "context":
        yield from spans(found, data, 0, len(data), len(data))
        return
    for name in found.names.finditer(data):
        if context.is_word(data, *name.span()):
            yield from context.values(found.pattern, data, name.end(), found.reach)


def judge(found: Rule, secret: bytes) -> tuple[str, str]:
    """Return (verdict, reason): "" keeps the secret, "low" keeps it with low confidence, "no" drops it."""
    d = found.detector
    if reason := _unfit(d, secret) or _published(found, secret):
        return "no", reason
    if d.checksum and (verdict := _checked(d.checksum, secret)):
        if reason := sample(secret, strict=True):
            return "no", reason
        return verdict, f"the {d.checksum} checksum does not fit: altered or made up"
    if reason := sample(secret, strict=d.kind == "precise"):
        return "no", reason
    if d.kind == "precise" and not d.checksum and (reason := dull(secret)):
        return "low", reason
    return "", "the checksum fits" if d.checksum else ""


def _published(found: Rule, secret: bytes) -> str:
    published = any(pattern.search(secret) for pattern in found.allow)
    return "a sample that the provider publishes" if published else ""


def _checked(name: str, secret: bytes) -> str:
    """What a checksum says: "" where it fits."""
    from strongroom.scanner.checksums import CHECKSUMS  # noqa: PLC0415 (most detectors have none)

    found = CHECKSUMS[name]
    return "" if found.check(secret) else "no" if found.firm else "low"


def _unfit(d: Detector, secret: bytes) -> str:
    bits = d.min_entropy or (2.2 if d.kind == "context" and len(secret) >= 16 else 0.0)
    if bits and (measured := entropy(secret)) < bits:
        return f"entropy {measured:.1f} is below {bits:.1f} bits per character"
    if d.kind == "context" and secret.startswith(_MANGLED):
        return "a compiler's name for a function"
    for name in d.charset_require:
        if not _CHARSETS[name].search(secret):
            return f"has no {name}"
    if (
        d.kind == "context"
        and len(secret) >= 16
        and context.needs_digit(d.value)
        and not _CHARSETS["digit"].search(secret)
    ):
        return "has no digit: reads as a word"
    return ""


@lru_cache(maxsize=65536)
def entropy(secret: bytes) -> float:
    """Shannon entropy in bits per byte."""
    total = len(secret)
    return -sum((n := secret.count(byte)) / total * log2(n / total) for byte in set(secret)) if total else 0.0


def match(found: Rule, data: bytes, start: int, end: int) -> Match | None:
    """Judge the span; None when it is no secret."""
    secret = bytes(data[start:end])
    verdict, reason = judge(found, secret)
    if verdict == "no":
        return None
    d = found.detector
    confidence = verdict or d.confidence
    reasons = (_why(d), reason) if reason else (_why(d),)
    return Match(d, start, end, secret, confidence, "low" if verdict else d.severity, reasons=reasons)


def _why(d: Detector) -> str:
    return "near a name of the provider" if d.kind == "context" else "has the provider's format"
