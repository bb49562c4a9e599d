"""The barrier: everything above it is plaintext, everything below it is ciphertext."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from strongroom.barrier import keyring as keyrings
from strongroom.barrier.keyring import HANDOVER_KEY, KEYRING_KEY, Keyring
from strongroom.barrier.opened import BarrierTransaction, Keys
from strongroom.clock import Clock
from strongroom.crypto.mac import equal
from strongroom.errors import IntegrityFailure, InvalidRequest, NotInitialized, Sealed, Unavailable
from strongroom.storage.contract import Conflict, Shared, Storage, Transaction

__all__ = ["RAW", "Barrier", "BarrierTransaction", "KeyStatus", "Populate"]

PAGE = 1000
RAW = "~"
"""Keys that start so are not the barrier's entries: the wrapped keyring, the seal's state."""

ROTATE_AFTER = 2**32
"""Encryptions after which a term should be replaced. XAES could go on to 2^80; keys still rotate."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The active term: `installed` is seconds since the epoch, `encryptions` counted since then."""

    term: int
    installed: float
    encryptions: int

    @property
    def rotation_due(self) -> bool:
        """Whether the term has encrypted enough to be replaced."""
        return self.encryptions >= ROTATE_AFTER


RawEntries = Mapping[str, bytes | None]
Populate = Callable[[BarrierTransaction], Awaitable[None]]


class Barrier:
    """Holds the keyring while unsealed and opens transactions on what it encrypts."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self.shared = storage if isinstance(storage, Shared) else None
        self._clock = clock
        self._keys: Keys | None = None
        self._keyring_lock = asyncio.Lock()

    @property
    def sealed(self) -> bool:
        """Whether the keys are absent from memory."""
        return self._keys is None

    async def initialized(self) -> bool:
        """Whether this store holds a keyring."""
        return await self._storage.begin().get(KEYRING_KEY) is not None

    async def initialize(
        self, root_key: bytes, extra: RawEntries | None = None, populate: Populate | None = None
    ) -> None:
        """Write a fresh keyring under `root_key`, raw `extra` entries and what `populate` adds, as one.

        The barrier stays sealed. Raises InvalidRequest when the store is initialized already.
        """
        tx = self._storage.begin()
        if await tx.get(KEYRING_KEY) is not None:
            raise InvalidRequest("the store is already initialized")
        keys = Keys(keyrings.fresh(self._clock.now()), root_key)
        try:
            if populate is not None:
                await populate(BarrierTransaction(tx, keys))
            tx.put(KEYRING_KEY, keyrings.wrap(keys.counted(), root_key))
            _put_all(tx, extra)
            await tx.commit()
        finally:
            keys.forget()

    async def unseal(self, root_key: bytes) -> None:
        """Load the keyring. Raises IntegrityFailure for a wrong key, NotInitialized without a keyring."""
        self._keys = Keys(await self.check(root_key), root_key)

    async def check(self, root_key: bytes) -> Keyring:
        """The keyring as it is stored, if this root key opens it. Raises as `unseal` does."""
        wrapped = await self._storage.begin().get(KEYRING_KEY)
        if wrapped is None:
            raise NotInitialized("the store is not initialized")
        return keyrings.unwrap(wrapped, root_key)

    def seal(self) -> None:
        """Forget every key; transactions begun before can read nothing more."""
        if self._keys is not None:
            self._keys.forget()
        self._keys = None

    def begin(self, moment: int = 0) -> BarrierTransaction:
        """Start a transaction; of a shared store it reads nothing older than `moment`. Raises Sealed."""
        keys = self._opened()
        if self.shared is None:
            return BarrierTransaction(self._storage.begin(), keys)
        return BarrierTransaction(self.shared.begin(moment), keys, self.refresh)

    def holds(self, root_key: bytes) -> bool:
        """Whether this is the root key the barrier was opened with. Raises Sealed."""
        return equal(bytes(self._opened().root_key), root_key)

    @property
    def key_status(self) -> KeyStatus:
        """The active term and what it has encrypted. Raises Sealed."""
        keys = self._opened()
        return KeyStatus(keys.keyring.active.number, keys.keyring.active.installed, keys.encryptions)

    async def rotate(self) -> int:
        """Add a key for new entries, online; older entries stay readable. Return its term."""
        keyring = await self._replace(lambda old, count: old.extended(self._clock.now(), count))
        return keyring.active.number

    async def record_encryptions(self) -> None:
        """Store the count of encryptions, which otherwise restarts from the last one stored.

        When the store is out of reach it does: the count is no reason to stay open.
        """
        with suppress(Unavailable):
            await self._replace(lambda old, count: old.counted(count))

    async def refresh(self) -> None:
        """Take the keyring as it is stored: another node may have changed it, or the root key.

        Raises Sealed, and IntegrityFailure when this node cannot follow.
        """
        async with self._keyring_lock:
            await self._stored_keyring(self._storage.begin(), self._opened())

    async def rewrap(self, new_root_key: bytes, extra: RawEntries | None = None) -> None:
        """Put the keyring under another root key and write raw `extra` entries (None deletes), as one."""
        await self._replace(lambda old, count: old.counted(count), new_root_key, extra)

    async def damaged(self, prefix: str = "", limit: int = 100) -> list[str]:
        """Return up to `limit` keys whose entries do not open; the others stay usable.

        Reads everything below `prefix`, giving way to other work between pages.
        """
        found: list[str] = []
        after = ""
        while len(found) < limit:
            tx = self.begin()
            keys = await tx.scan(prefix, after)
            found += [key for key in keys if not key.startswith(RAW) and not await _opens(tx, key)]
            if len(keys) < PAGE:
                break
            after = keys[-1]
            await asyncio.sleep(0)
        return found[:limit]

    def _opened(self) -> Keys:
        if self._keys is None:
            raise Sealed("the barrier is sealed")
        return self._keys

    async def _replace(
        self,
        change: Callable[[Keyring, int], Keyring],
        new_root_key: bytes | None = None,
        extra: RawEntries | None = None,
    ) -> Keyring:
        """Store a changed keyring, having seen that what is about to be stored opens."""
        async with self._keyring_lock:
            while True:
                keys = self._opened()
                tx = self._storage.begin()
                stored = await self._stored_keyring(tx, keys)
                root_key = bytes(keys.root_key)
                counted, total = keys.encryptions, keys.total(stored)
                changed = change(stored, total)
                tx.put(KEYRING_KEY, _proven(changed, new_root_key or root_key))
                await self._keep_handover(tx, stored, root_key, new_root_key)
                _put_all(tx, extra)
                with suppress(Conflict):
                    await tx.commit()
                    break
            if keys is self._keys:
                keys.encryptions += total - counted
                keys.recorded = total
                keys.adopt(changed)
                keys.root(new_root_key or root_key)
            return changed

    async def _stored_keyring(self, tx: Transaction, keys: Keys) -> Keyring:
        """The keyring in `tx`; what is open follows it, and a root key that another node has changed."""
        wrapped, root_key = await tx.get(KEYRING_KEY) or b"", bytes(keys.root_key)
        try:
            stored = keyrings.unwrap(wrapped, root_key)
        except IntegrityFailure:
            handover = await tx.get(HANDOVER_KEY) if self.shared is not None else None
            if handover is None:
                raise
            root_key = keyrings.handed_over(handover, keys.keyring)
            stored = keyrings.unwrap(wrapped, root_key)
        if self.shared is not None and keys is self._keys:
            keys.adopt(stored)
            keys.root(root_key)
        return stored

    async def _keep_handover(
        self, tx: Transaction, keyring: Keyring, root_key: bytes, new_root_key: bytes | None
    ) -> None:
        """Leave a new root key to the other nodes, and take it away when they have had the time."""
        if self.shared is None:
            return
        if new_root_key is not None and new_root_key != root_key:
            tx.put(HANDOVER_KEY, keyrings.hand_over(keyring, new_root_key, self._clock.now()))
            return
        left = await tx.get(HANDOVER_KEY)
        if left is not None and keyrings.handover_over(left, self._clock.now()):
            tx.delete(HANDOVER_KEY)


def _proven(keyring: Keyring, root_key: bytes) -> bytes:
    wrapped = keyrings.wrap(keyring, root_key)
    if keyrings.unwrap(wrapped, root_key) != keyring:
        raise IntegrityFailure("the new keyring does not open; the old one stays")
    return wrapped


async def _opens(tx: BarrierTransaction, key: str) -> bool:
    try:
        await tx.get(key)
    except IntegrityFailure:
        return False
    return True


def _put_all(tx: Transaction, entries: RawEntries | None) -> None:
    for key, value in (entries or {}).items():
        if value is None:
            tx.delete(key)
        else:
            tx.put(key, value)
