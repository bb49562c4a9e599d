"""An open barrier: its keys in memory, and transactions that encrypt under them.

An entry is version · key term (4 bytes, big-endian) · nonce · ciphertext · tag with
its storage key as associated data, so a changed or moved entry does not open.
"""

from collections.abc import Awaitable, Callable

from strongroom.barrier.keyring import Keyring
from strongroom.crypto.aead import XAES
from strongroom.crypto.random import wipe
from strongroom.errors import IntegrityFailure, Sealed, StrongroomError
from strongroom.storage.contract import Rereadable, Transaction

VERSION = b"\x01"
HEADER_BYTES = 5


class Keys:
    """The open keyring: ciphers by entry header. Gone when the barrier is sealed."""

    __slots__ = ("active", "by_header", "encryptions", "header", "keyring", "recorded", "root_key")

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
            self.encryptions = self.recorded = keyring.active.encryptions
        self.active = self.by_header[self.header]

    def counted(self) -> Keyring:
        return self.keyring.counted(self.encryptions)

    def total(self, stored: Keyring) -> int:
        """What is stored, of every node, and what this one has encrypted since it was."""
        if stored.active.number != self.keyring.active.number:
            return stored.active.encryptions
        return stored.active.encryptions + self.encryptions - self.recorded

    def root(self, root_key: bytes) -> None:
        wipe(self.root_key)
        self.root_key = bytearray(root_key)

    def forget(self) -> None:
        wipe(self.root_key)
        self.by_header.clear()


class BarrierTransaction:
    """A storage transaction whose values are plaintext. `scan`, `delete` and `commit` pass through."""

    __slots__ = ("_get", "_keys", "_learn", "_put", "_tx", "commit", "delete", "scan")

    def __init__(
        self, tx: Transaction, keys: Keys, learn: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._keys = keys
        self._learn = learn
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

    @property
    def rereadable(self) -> Rereadable | None:
        """What tells at once whether all that was read is so still and durable; None where nothing does."""
        return self._tx if isinstance(self._tx, Rereadable) else None

    async def get(self, key: str) -> bytes | None:
        """Return the plaintext at `key`. Raises IntegrityFailure when the entry does not authenticate."""
        entry = await self._get(key)
        if entry is None:
            return None
        cipher = self._keys.by_header.get(entry[:HEADER_BYTES])
        if cipher is None:
            cipher = await self._learned(key, entry[:HEADER_BYTES])
        try:
            return cipher.open(entry[HEADER_BYTES:], key.encode())
        except IntegrityFailure:
            raise IntegrityFailure(f"the entry {key} does not authenticate") from None

    async def holds(self, key: str) -> bool:
        """Whether there is an entry at `key`, not opened: only for what is read before it counts."""
        return await self._get(key) is not None

    def put(self, key: str, value: bytes) -> None:
        """Buffer a write of `value`, encrypted."""
        keys = self._keys
        if not keys.by_header:
            raise self._no_key(key)
        keys.encryptions += 1
        self._put(key, keys.header + keys.active.seal(value, key.encode()))

    async def _learned(self, key: str, header: bytes) -> XAES:
        """The cipher of a term that another node has added."""
        if self._learn is not None and self._keys.by_header:
            await self._learn()
        cipher = self._keys.by_header.get(header)
        if cipher is None:
            raise self._no_key(key)
        return cipher

    def _no_key(self, key: str) -> StrongroomError:
        if self._keys.by_header:
            return IntegrityFailure(f"the entry {key} is under an unknown key")
        return Sealed("the barrier was sealed meanwhile")


def _header(term: int) -> bytes:
    return VERSION + term.to_bytes(4)
