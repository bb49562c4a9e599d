"""What live checks told lately, in the user's cache folder: keyed hashes and verdicts, no secrets.

The key is this machine's own and random, so the file is of no use elsewhere.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from strongroom.scanner import cache
from strongroom.scanner.verify.judge import DEAD, LIVE, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TTL = {LIVE: 3600.0, DEAD: 86400.0}  # seconds; unknown is never remembered
KEPT = 5000
_NAME = "verified-1"


class Memory:
    """Verdicts by what was asked. `used=False` neither reads nor writes."""

    def __init__(self, *, used: bool = True, clock: Callable[[], float] = time.time) -> None:
        self._used = used
        self._clock = clock
        self._lock = threading.Lock()
        stored: Any = cache.read(_NAME) if used else None
        sound = isinstance(stored, dict) and isinstance(stored.get("key"), bytes)
        self._key: bytes = stored["key"] if sound else secrets.token_bytes(32)
        self._known: dict[str, list[Any]] = stored["known"] if sound else {}

    def name(self, parts: Iterable[str]) -> str:
        """The keyed hash of what is asked: the call, the secret and its parts."""
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._key, text.encode("utf-8", "surrogateescape"), "sha256").hex()

    def recall(self, name: str) -> Verdict | None:
        """The verdict, unless it is too old."""
        with self._lock:
            entry = self._known.get(name) if self._used else None
        if entry is None or not 0 <= self._clock() - entry[0] < TTL[entry[1]]:
            return None
        return Verdict(entry[1], "", tuple((key, value) for key, value in entry[2]))

    def note(self, name: str, verdict: Verdict) -> None:
        """Remember a verdict that says something."""
        with self._lock:
            if verdict.validity in TTL:
                self._known[name] = [self._clock(), verdict.validity, [list(pair) for pair in verdict.reach]]
            else:
                self._known.pop(name, None)

    def keep(self) -> None:
        """Write what is still fresh, the newest first where it is too much."""
        if not self._used:
            return
        now = self._clock()
        fresh = {name: entry for name, entry in self._known.items() if 0 <= now - entry[0] < TTL[entry[1]]}
        newest = sorted(fresh, key=lambda name: float(fresh[name][0]), reverse=True)[:KEPT]
        cache.write(_NAME, {"key": self._key, "known": {name: fresh[name] for name in newest}})
