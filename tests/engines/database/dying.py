"""A store whose server dies at a chosen commit: before it is durable, or right after."""

from strongroom.storage.contract import Storage, Transaction


class Killed(BaseException):
    """The process is gone; nothing it still tries reaches the store."""


class DyingStorage:
    """Works until the commit number `deadly`; `after` says on which side of it the power fails."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.deadly = 0
        self.after = False
        self.dead = False

    def begin(self) -> Transaction:
        return _Dying(self, self.inner.begin())

    async def close(self) -> None:
        await self.inner.close()

    def kill_at(self, commit: int, *, after: bool) -> None:
        self.deadly, self.after = commit, after


class _Dying:
    def __init__(self, storage: DyingStorage, inner: Transaction) -> None:
        self._storage = storage
        self._inner = inner

    @property
    def dirty(self) -> bool:
        return self._inner.dirty

    async def get(self, key: str) -> bytes | None:
        return await self._inner.get(key)

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> list[str]:
        return await self._inner.scan(prefix, after, limit)

    def put(self, key: str, value: bytes) -> None:
        self._inner.put(key, value)

    def delete(self, key: str) -> None:
        self._inner.delete(key)

    async def commit(self) -> None:
        storage = self._storage
        if storage.dead:
            raise Killed
        if not self._inner.dirty or not storage.deadly:
            await self._inner.commit()
            return
        storage.deadly -= 1
        storage.dead = storage.deadly == 0
        if storage.dead and not storage.after:
            raise Killed
        await self._inner.commit()
        if storage.dead:
            raise Killed
