"""The barrier: everything above it is plaintext, everything below it is ciphertext.

An entry is version · key term (4 bytes, big-endian) · nonce · ciphertext · tag with
its storage key as associated data, so a changed or moved entry does not open.
"""

from collections.abc import Mapping

from strongroom.barrier import keyring as keyrings
from strongroom.barrier.keyring import KEYRING_KEY, Keyring
from strongroom.clock import Clock
from strongroom.crypto.aead import XAES
from strongroom.crypto.random import wipe
from strongroom.errors import IntegrityFailure, InvalidRequest, NotInitialized, Sealed
from strongroom.storage.contract import Storage, Transaction

VERSION = b"\x01"
HEADER_BYTES = 5


class _Keys:
    """The open keyring: ciphers by entry header. Gone when the barrier is sealed."""

    __slots__ = ("active", "by_header", "encryptions", "header", "keyring", "root_key")

    def __init__(self, keyring: Keyring, root_key: bytes) -> None:
        self.root_key = bytearray(root_key)
        self.by_header: dict[bytes, XAES] = {}
        self.adopt(keyring)

    def adopt(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.by_header.update((_header(term.number), XAES(term.key)) for term in keyring.terms)
        self.header = _header(keyring.active.number)
        self.active = self.by_header[self.header]
        self.encryptions = keyring.active.encryptions

    def forget(self) -> None:
        wipe(self.root_key)
        self.by_header.clear()


class BarrierTransaction:
    """A storage transaction whose values are plaintext. `scan`, `delete` and `commit` pass through."""

    __slots__ = ("_get", "_keys", "_put", "commit", "delete", "scan")

    def __init__(self, tx: Transaction, keys: _Keys) -> None:
        self._keys = keys
        self._get = tx.get
        self._put = tx.put
        self.scan = tx.scan
        self.delete = tx.delete
        self.commit = tx.commit

    async def get(self, key: str) -> bytes | None:
        """Return the plaintext at `key`. Raises IntegrityFailure when the entry does not authenticate."""
        entry = await self._get(key)
        if entry is None:
            return None
        cipher = self._keys.by_header.get(entry[:HEADER_BYTES])
        if cipher is None:
            raise IntegrityFailure(f"the entry {key} is under an unknown key")
        try:
            return cipher.open(entry[HEADER_BYTES:], key.encode())
        except IntegrityFailure:
            raise IntegrityFailure(f"the entry {key} does not authenticate") from None

    def put(self, key: str, value: bytes) -> None:
        """Buffer a write of `value`, encrypted."""
        keys = self._keys
        keys.encryptions += 1
        self._put(key, keys.header + keys.active.seal(value, key.encode()))


class Barrier:
    """Holds the keyring while unsealed and opens transactions on what it encrypts."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._keys: _Keys | None = None

    @property
    def sealed(self) -> bool:
        """Whether the keys are absent from memory."""
        return self._keys is None

    async def initialized(self) -> bool:
        """Whether this store holds a keyring."""
        return await self._storage.begin().get(KEYRING_KEY) is not None

    async def initialize(self, root_key: bytes, extra: Mapping[str, bytes] | None = None) -> None:
        """Write a fresh keyring under `root_key`, and `extra` raw entries, as one; stays sealed.

        Raises InvalidRequest when the store is initialized already.
        """
        tx = self._storage.begin()
        if await tx.get(KEYRING_KEY) is not None:
            raise InvalidRequest("the store is already initialized")
        tx.put(KEYRING_KEY, keyrings.wrap(keyrings.fresh(self._clock.now()), root_key))
        for key, value in (extra or {}).items():
            tx.put(key, value)
        await tx.commit()

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
        if self._keys is None:
            raise Sealed("the barrier is sealed")
        return BarrierTransaction(self._storage.begin(), self._keys)


def _header(term: int) -> bytes:
    return VERSION + term.to_bytes(4)
