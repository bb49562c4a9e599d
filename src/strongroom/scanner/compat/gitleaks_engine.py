"""Runs gitleaks' rules over one blob: keywords, then a prefilter, then the pattern itself.

Where Hyperscan exists one pass tells which patterns can match at all; `re` runs
only for those, over the whole text, so that what it finds is what Go finds.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from strongroom.scanner import cache, rules
from strongroom.scanner.confirm import entropy
from strongroom.scanner.detector import Detector
from strongroom.scanner.finding import Match

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence

    from strongroom.scanner.blob import Version
    from strongroom.scanner.compat.gitleaks_config import Config, Rule
    from strongroom.scanner.matcher import Matcher

ADVICE = "Revoke or rotate it where it was issued, then take it out of the code."
VERSION = "1"


class Engine:
    """Finds what a configuration's rules describe, and what our own detectors do where it extends them.

    A match spans all that the pattern matched; its secret is the group. Where
    the whole path is the finding, the secret is empty.
    """

    def __init__(self, config: Config, builtin: Matcher | None) -> None:
        self._config = config
        self._builtin = builtin
        self._rules = list(config.rules.values())
        self._detectors = [_detector(rule) for rule in self._rules]
        self._filter = _Prefilter(self._rules)

    def scan(
        self, path: str, data: bytes, *, binary: bool = False, version: Version | None = None
    ) -> list[Match]:
        """Return the matches in `data`, ordered by place."""
        if self._config.prefilter and self._config.prefilter({"attributes": {"path": path}}):
            return []
        found = list(self._builtin.scan(path, data, binary=binary, version=version)) if self._builtin else []
        name = path.encode("utf-8", "surrogateescape")
        lower = data.lower()
        may = self._filter.possible(data)
        for number, rule in enumerate(self._rules):
            if rule.path is not None and not rule.path.search(name):
                continue
            if rule.regex is None:
                found.append(Match(self._detectors[number], 0, 0, b"", "high", "high"))
            elif (may is None or number in may) and _worded(rule.keywords, lower):
                found += self._matches(number, rule, data)
        return sorted(found, key=lambda match: (match.start, match.end))

    def _matches(self, number: int, rule: Rule, data: bytes) -> Iterator[Match]:
        if rule.regex is None:
            return
        for hit in rule.regex.finditer(data):
            whole = hit[0].strip(b"\n")
            secret = _secret(rule, hit)
            if not whole or (rule.entropy and entropy(secret) <= rule.entropy):
                continue
            start = hit.start() + len(hit[0]) - len(hit[0].lstrip(b"\n"))
            yield Match(self._detectors[number], start, start + len(whole), secret, "high", "high")


def _worded(keywords: Iterable[bytes], lower: bytes) -> bool:
    words = tuple(keywords)
    return not words or any(word in lower for word in words)


def _secret(rule: Rule, hit: re.Match[bytes]) -> bytes:
    """The group that is named, else the first that matched something, else all of it."""
    if rule.group:
        return bytes(hit[rule.group] or b"")
    return next((bytes(group) for group in hit.groups() if group), hit[0].strip(b"\n"))


def _detector(rule: Rule) -> Detector:
    return Detector(rule.id, rule.description, "precise", "high", "high", ADVICE)


class _Prefilter:
    """Tells which rules can match: all of them where there is no Hyperscan."""

    def __init__(self, known: Sequence[Rule]) -> None:
        self._always = {n for n, rule in enumerate(known) if rule.regex is None}
        self._database: Any = None
        sources = {n: rule.source for n, rule in enumerate(known) if rule.regex is not None}
        with suppress(ImportError):
            self._prepare(sources)

    def _prepare(self, sources: dict[int, str]) -> None:
        import hyperscan  # noqa: PLC0415 (absent on some platforms)

        name = hashlib.sha256(repr((VERSION, rules.hyperscan_version(), sources)).encode()).hexdigest()[:40]
        stored = cache.read(f"gitleaks-{name}")
        if not isinstance(stored, dict):
            stored = _compiled(sources)
            cache.write(f"gitleaks-{name}", stored)
        self._always |= set(stored["always"])
        if stored["database"]:
            self._database = hyperscan.loadb(stored["database"], hyperscan.HS_MODE_BLOCK)
            self._database.scratch = hyperscan.Scratch(self._database)

    def possible(self, data: bytes) -> set[int] | None:
        """The numbers of the rules that may match in `data`; None for any."""
        if self._database is None:
            return None
        found = set(self._always)
        self._database.scan(data, match_event_handler=lambda number, *_: found.add(number))
        return found


def _compiled(sources: dict[int, str]) -> dict[str, Any]:
    """One database of the patterns that Hyperscan takes; the others always run."""
    import hyperscan  # noqa: PLC0415 (absent on some platforms)

    flags = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_SINGLEMATCH
    good: dict[int, bytes] = {}
    for number, text in sources.items():
        pattern = text.replace("\\Z", "\\z").encode("latin-1")
        with suppress(hyperscan.error):
            hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(
                expressions=[pattern], ids=[number], elements=1, flags=[flags]
            )
            good[number] = pattern
    if not good:
        return {"always": sorted(sources), "database": b""}
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(good.values()), ids=list(good), elements=len(good), flags=[flags] * len(good)
    )
    return {"always": sorted(set(sources) - set(good)), "database": bytes(hyperscan.dumpb(database))}
