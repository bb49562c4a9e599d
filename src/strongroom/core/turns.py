"""Turns: what several nodes could do, one of them does at a time. Nothing depends on a node's name.

A turn is a row that its holder keeps renewing. A transaction that depends on it fails when it was
lost meanwhile; a node that stops loses its turns when they run out.
"""

import secrets

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import Clock
from strongroom.storage.contract import Conflict

PREFIX = "turn/"
TURN_SECONDS = 30.0


class Turn(Struct, frozen=True):
    """Who has it (a number drawn at the start of a process), and until when."""

    holder: str
    until: float


class Turns:
    """One process's part in them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.me = secrets.token_hex(8)

    async def take(self, tx: BarrierTransaction, name: str) -> bool:
        """Whether the turn is this process's, taken or renewed in `tx` where need be."""
        rows, now = View(tx, PREFIX), self._clock.now()
        turn = await rows.find(name, Turn)
        if turn is not None and turn.holder != self.me and turn.until > now:
            return False
        if turn is None or turn.holder != self.me or turn.until - now < TURN_SECONDS / 2:
            rows.put(name, Turn(self.me, now + TURN_SECONDS))
        return True

    async def keep(self, tx: BarrierTransaction, name: str) -> None:
        """Let `tx` fail should the turn be lost before it commits. Raises Conflict when it is lost."""
        turn = await View(tx, PREFIX).find(name, Turn)
        if turn is None or turn.holder != self.me:
            raise Conflict(name)
