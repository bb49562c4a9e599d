"""Stores for tests: one whose process dies at a chosen commit (before it lands, or after it landed and
before anyone heard), and one that gives way to other tasks wherever a store on a network would.
"""

import asyncio
import random

from strongroom.storage.contract import Storage, Transaction


class Crash(BaseException):
    """The process is gone."""


class CrashingTransaction:
    def __init__(self, store: "CrashingStorage", tx: Transaction) -> None:
        self._store = store
        self._tx = tx
        self.get = tx.get
        self.scan = tx.scan
        self.put = tx.put
        self.delete = tx.delete

    @property
    def dirty(self) -> bool:
        return self._tx.dirty

    async def commit(self) -> None:
        store = self._store
        if store.dead:
            raise Crash
        if not self.dirty:
            await self._tx.commit()
            return
        store.left -= 1
        if store.left < 0 and not store.lands:
            store.dead = True
            raise Crash
        await self._tx.commit()
        if store.left < 0:
            store.dead = True
            raise Crash


class CrashingStorage:
    """Over a store that outlives it; dies at the commit that follows `left` others."""

    def __init__(self, beneath: Storage) -> None:
        self._beneath = beneath
        self.left = 2**31
        self.lands = False
        self.dead = False

    def begin(self) -> Transaction:
        if self.dead:
            raise Crash
        return CrashingTransaction(self, self._beneath.begin())

    async def close(self) -> None:
        await self._beneath.close()

    def arm(self, after: int, *, lands: bool) -> None:
        """Die at the commit after `after` more, once it landed or just before."""
        self.left, self.lands, self.dead = after, lands, False

    def revive(self) -> None:
        """A new process opens the store."""
        self.left, self.dead = 2**31, False


class YieldingTransaction:
    def __init__(self, tx: Transaction, dice: random.Random) -> None:
        self._tx = tx
        self._dice = dice
        self.put = tx.put
        self.delete = tx.delete

    @property
    def dirty(self) -> bool:
        return self._tx.dirty

    async def get(self, key: str) -> bytes | None:
        await self._give_way()
        return await self._tx.get(key)

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> list[str]:
        await self._give_way()
        return await self._tx.scan(prefix, after, limit)

    async def commit(self) -> None:
        await self._give_way()
        await self._tx.commit()
        await self._give_way()

    async def _give_way(self) -> None:
        for _ in range(self._dice.randrange(4)):
            await asyncio.sleep(0)


class YieldingStorage:
    """Over another store; `seed` decides who is ahead."""

    def __init__(self, beneath: Storage, seed: int) -> None:
        self._beneath = beneath
        self._dice = random.Random(seed)

    def begin(self) -> Transaction:
        return YieldingTransaction(self._beneath.begin(), self._dice)

    async def close(self) -> None:
        await self._beneath.close()
