"""Answers kept ready to be given again, until what they rest on changes: the server's side of ADR 0014.

Kept by everything that a request says: its line, its header fields, the address and the certificate it
came with. One giving differs from the next in the request's id only. Whether the answer still holds is
the door's to say, each time. Answers hold secrets, so few are kept, none for long, and none once sealed.
"""

import asyncio
from collections.abc import Callable
from hashlib import blake2b

import msgspec

from strongroom.api.errors import answer_for
from strongroom.api.exchange import Answer, Call
from strongroom.api.inbound import request_id
from strongroom.crypto.random import random_bytes
from strongroom.errors import StrongroomError
from strongroom.framework.again import Again

LIMIT_BYTES = 16 * 2**20
LIFE_SECONDS = 30.0
"""An answer that nobody asks for again is forgotten after one to two of these."""

_REMEMBERED = 16_384
_OVERHEAD_BYTES = 3_000

Give = Callable[[Answer | bytes], None]


class Kept:
    """One answer's bytes before and after the request's id, and the door's leave to give it again."""

    __slots__ = ("_after", "_before", "again", "size")

    def __init__(self, again: Again, before: bytes, after: bytes) -> None:
        self.again = again
        self._before = before
        self._after = after
        self.size = again.size + len(before) + len(after) + _OVERHEAD_BYTES

    def begin(self, give: Give) -> bool:
        """Have it given: its fields and body, or an error as an Answer. False when it holds no more."""
        identifier = request_id()

        def done(error: StrongroomError | None) -> None:
            if error is None:
                give(b"%b%b%b" % (self._before, identifier.encode(), self._after))
            else:
                give(answer_for(error, identifier))

        return self.again.begin(identifier, done)


class Repeats:
    """Kept answers, in two generations: those asked for since the last turn, and those only before."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, life_seconds: float = LIFE_SECONDS) -> None:
        self._half_bytes = limit_bytes // 2
        self._life_seconds = life_seconds
        self._hash_key = random_bytes(32)
        self._young: dict[bytes, Kept] = {}
        self._old: dict[bytes, Kept] = {}
        self._young_bytes = 0
        self._asked: set[int] = set()
        self._turn: asyncio.TimerHandle | None = None

    def client(self, call: Call) -> bytes:
        """A name for everything a call says besides its line: no one can work back from it, or guess it."""
        told = [sorted(call.headers.items()), call.peer, call.client_certificate]
        return blake2b(msgspec.json.encode(told), key=self._hash_key, digest_size=32).digest()

    def begin(self, key: bytes, give: Give) -> bool:
        """Have the answer kept under `key` given again; False when it is to be asked for anew."""
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.pop(key, None)
            if kept is None:
                return False
            self._add(key, kept)
        if kept.begin(give):
            return True
        self._young.pop(key, None)
        return False

    def keep(self, key: bytes, answer: Answer) -> None:
        """Keep an answer that may be given again, once it is asked for the second time."""
        if answer.again is None:
            return
        name = hash(key)
        if name not in self._asked:
            if len(self._asked) >= _REMEMBERED:
                self._asked.clear()
            self._asked.add(name)
            return
        start = b'{"request_id":"%b"' % answer.again.identifier.encode()
        again = answer.again.make()
        if again is not None and answer.body.startswith(start):
            fields = content_fields(answer.content_type, len(answer.body))
            self._add(key, Kept(again, b'%b\r\n{"request_id":"' % fields, answer.body[len(start) - 1 :]))

    def clear(self) -> None:
        """Forget all, at seal."""
        self._young, self._old, self._young_bytes = {}, {}, 0
        self._asked.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _add(self, key: bytes, kept: Kept) -> None:
        if kept.size > self._half_bytes // 8:
            return
        self._young[key] = kept
        self._young_bytes += kept.size
        if self._young_bytes > self._half_bytes:
            self._begin_generation()
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_later(self._life_seconds, self._grow_old)

    def _begin_generation(self) -> None:
        self._old, self._young, self._young_bytes = self._young, {}, 0

    def _grow_old(self) -> None:
        self._begin_generation()
        self._turn = None
        if self._old:
            self._turn = asyncio.get_running_loop().call_later(self._life_seconds, self._grow_old)


def content_fields(content_type: bytes, length: int) -> bytes:
    """The header fields of an answer's body of so many bytes, a line each."""
    return b"content-type: %b\r\ncontent-length: %d\r\n" % (content_type, length)
