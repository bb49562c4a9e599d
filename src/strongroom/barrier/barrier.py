"""The barrier: everything above it is plaintext, everything below it is ciphertext.

An entry is version · key term (4 bytes, big-endian) · nonce · ciphertext · tag with
its storage key as associated data, so a changed or moved entry does not open.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from strongroom.barrier import keyring as keyrings
from strongroom.barrier.keyring import KEYRING_KEY, Keyring
from strongroom.clock import Clock
from strongroom.crypto.aead import XAES
from strongroom.crypto.mac import equal
from strongroom.crypto.random import wipe
from strongroom.errors import IntegrityFailure, InvalidRequest, NotInitialized, Sealed, StrongroomError
from strongroom.storage.contract import Conflict, Storage, Transaction

VERSION = b"\x01"
HEADER_BYTES = 5
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


class _Keys:
    """The open keyring: ciphers by entry header. Gone when the barrier is sealed."""

    __slots__ = ("active", "by_header", "encryptions", "header", "keyring", "root_key")

    def __init__(self, keyring: Keyring, root_key: bytes) -> None:
        self.root_key = bytearray(root_key)
        self.by_header: dict[bytes, XAES] = {}
        self.adopt(keyring)

    def adopt(self, keyring: Keyring) -> None:
        """Use `keyring` from now on; the count goes on unless the active term is a new one."""
        self.keyring = keyring
        self.header = _header(keyring.active.number)
        if self.header not in self.by_header:
            self.by_header.update((_header(term.number), XAES(term.key)) for term in keyring.terms)
            self.encryptions = keyring.active.encryptions
        self.active = self.by_header[self.header]

    def counted(self) -> Keyring:
        return self.keyring.counted(self.encryptions)

    def root(self, root_key: bytes) -> None:
        wipe(self.root_key)
        self.root_key = bytearray(root_key)

    def forget(self) -> None:
        wipe(self.root_key)
        self.by_header.clear()


class BarrierTransaction:
    """A storage transaction whose values are plaintext. `scan`, `delete` and `commit` pass through."""

    __slots__ = ("_get", "_keys", "_put", "_tx", "commit", "delete", "scan")

    def __init__(self, tx: Transaction, keys: _Keys) -> None:
        self._keys = keys
        self._tx = tx
        self._get = tx.get
        self._put = tx.put
        self.scan = tx.scan
        self.delete = tx.delete
        self.commit = tx.commit

    @property
    def dirty(self) -> bool:
        """Whether committing would write."""
        return self._tx.dirty

    async def get(self, key: str) -> bytes | None:
        """Return the plaintext at `key`. Raises IntegrityFailure when the entry does not authenticate."""
        entry = await self._get(key)
        if entry is None:
            return None
        cipher = self._keys.by_header.get(entry[:HEADER_BYTES])
        if cipher is None:
            raise self._no_key(key)
        try:
            return cipher.open(entry[HEADER_BYTES:], key.encode())
        except IntegrityFailure:
            raise IntegrityFailure(f"the entry {key} does not authenticate") from None

    def put(self, key: str, value: bytes) -> None:
        """Buffer a write of `value`, encrypted."""
        keys = self._keys
        if not keys.by_header:
            raise self._no_key(key)
        keys.encryptions += 1
        self._put(key, keys.header + keys.active.seal(value, key.encode()))

    def _no_key(self, key: str) -> StrongroomError:
        if self._keys.by_header:
            return IntegrityFailure(f"the entry {key} is under an unknown key")
        return Sealed("the barrier was sealed meanwhile")


RawEntries = Mapping[str, bytes | None]
Populate = Callable[[BarrierTransaction], Awaitable[None]]


class Barrier:
    """Holds the keyring while unsealed and opens transactions on what it encrypts."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._keys: _Keys | None = None
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
        keys = _Keys(keyrings.fresh(self._clock.now()), root_key)
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
        wrapped = await self._storage.begin().get(KEYRING_KEY)
        if wrapped is None:
            raise NotInitialized("the store is not initialized")
        self._keys = _Keys(keyrings.unwrap(wrapped, root_key), root_key)

    def seal(self) -> None:
        """Forget every key; transactions begun before can read nothing more."""
        if self._keys is not None:
            self._keys.forget()
        self._keys = None

    def begin(self) -> BarrierTransaction:
        """Start a transaction. Raises Sealed."""
        return BarrierTransaction(self._storage.begin(), self._opened())

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
        """Store the count of encryptions, which otherwise restarts from the last one stored."""
        await self._replace(lambda old, count: old.counted(count))

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

    def _opened(self) -> _Keys:
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
                root_key = bytes(keys.root_key)
                tx = self._storage.begin()
                stored = keyrings.unwrap(await tx.get(KEYRING_KEY) or b"", root_key)
                changed = change(stored, keys.encryptions)
                new_root_key = new_root_key or root_key
                tx.put(KEYRING_KEY, _proven(changed, new_root_key))
                _put_all(tx, extra)
                with suppress(Conflict):
                    await tx.commit()
                    break
            if keys is self._keys:
                keys.adopt(changed)
                keys.root(new_root_key)
            return changed


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


def _header(term: int) -> bytes:
    return VERSION + term.to_bytes(4)
