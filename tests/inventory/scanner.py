"""A scanner beside a server: the real finder, asking through the door; and what it asked."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.framework import Operation
from strongroom.scanner.finding import Match
from strongroom.scanner.known.finder import Held, KnownFinder
from strongroom.scanner.known.search import Filter
from tests.system.test_backup import Desk

FINGERPRINTS = "inventory/fingerprints"


class NoDetectors:
    """Finds nothing."""

    def scan(self, path: str, data: bytes, **_: Any) -> list[Match]:
        return []


@dataclass
class Scanner:
    """Scans with a token, in a thread as blobs are scanned in another process."""

    desk: Desk
    token: str = ""
    points: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    asked_tokens: list[str] = field(default_factory=list)
    loop: Any = field(default_factory=asyncio.get_running_loop)

    async def filter(self) -> Filter:
        found = await self.desk.ask(Operation.READ, f"{FINGERPRINTS}/filter", self.token)
        return Filter(bytes.fromhex(found["salt"]), b64decode(found["rows"]))

    async def finds(self, text: bytes) -> list[Match]:
        """What of the vault stands in `text`."""
        finder = KnownFinder(NoDetectors(), await self.filter(), self)
        return await asyncio.to_thread(finder.scan, "text", text)

    async def names(self, text: bytes) -> list[str]:
        """How what stands in `text` is held."""
        return [reason.removeprefix("is ") for match in await self.finds(text) for reason in match.reasons]

    def evaluate(self, points: Sequence[bytes]) -> list[bytes]:
        """The exchange, as the finder asks for it."""
        sent = [b64encode(point).decode() for point in points]
        self.points += sent
        return [b64decode(text) for text in self._asked("evaluate", points=sent)["points"]]

    def tokens(self, fingerprints: Sequence[str]) -> list[str]:
        """The question about tokens, as the finder asks it."""
        self.asked_tokens += fingerprints
        return [name or "" for name in self._asked("tokens", tokens=list(fingerprints))["tokens"]]

    def held(self, rows: Sequence[tuple[bytes, bytes]]) -> list[tuple[Held, ...]]:
        """The second question, as the finder asks it."""
        sent = [(id + proof).hex() for id, proof in rows]
        self.rows += sent
        found = self._asked("rows", rows=sent)["rows"]
        return [
            (Held(id, row["before"], row["length"], b64decode(row["check"]), tuple(row["held_as"])),)
            if row
            else ()
            for (id, _), row in zip(rows, found, strict=True)
        ]

    def _asked(self, what: str, **fields: Any) -> Any:
        answer = self.desk.ask(Operation.WRITE, f"{FINGERPRINTS}/{what}", self.token, **fields)
        return asyncio.run_coroutine_threadsafe(answer, self.loop).result(30)
