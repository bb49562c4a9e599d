"""A hardware security module by PKCS#11: an AES-256 key that never leaves it wraps the root key in GCM.

What is stored is nonce (12 bytes) · ciphertext · tag. A seal is opened or changed a few times in
its life, so random 96-bit nonces are safe, and every use initialises the library anew: it sees
the tokens that are there then, and a session that broke is never used again.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from strongroom.crypto.random import random_bytes
from strongroom.errors import IntegrityFailure, InvalidCredentials, UpstreamFailed

if TYPE_CHECKING:
    from pkcs11.types import Session

    from strongroom.sensitive import Sensitive

KIND = "pkcs11"
_NONCE_BYTES = 12
_TAG_BITS = 128
_KEY_BITS = 256

_LOCK = threading.Lock()
"""A library and its logins are of the whole process, so uses do not overlap."""

Run = Callable[..., Awaitable[Any]]


class Pkcs11Seal:
    """Finds its key by label in the token of that name, and makes it at initialisation.

    `run` calls blocking work in a thread; `pin` is asked for at each use.
    """

    kind = KIND

    def __init__(
        self, library: str, token: str, label: str, pin: Callable[[], Sensitive[str]], run: Run
    ) -> None:
        self._library = library
        self._token = token
        self._label = label
        self._pin = pin
        self._run = run

    async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
        """Encrypt the root key; the module makes the key when it has none of this label.

        Raises UpstreamFailed when the module does not answer, InvalidCredentials for a wrong PIN.
        """
        return bytes(await self._run(self._wrap, root_key, associated))

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """Undo `wrap`. Raises IntegrityFailure for another key, and otherwise as `wrap` does."""
        return bytes(await self._run(self._unwrap, wrapped, associated))

    def version(self, wrapped: bytes) -> str:
        """No versions: another key is another label, under a name of its own."""
        return ""

    def _wrap(self, root_key: bytes, associated: bytes) -> bytes:
        nonce = random_bytes(_NONCE_BYTES)
        with self._session() as session:
            key = self._find(session) or self._make(session)
            sealed = _encrypt(key, root_key, nonce, associated)
        return nonce + sealed

    def _unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        import pkcs11  # noqa: PLC0415 (an extra: only who uses a module installs it)

        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        with self._session() as session:
            key = self._find(session)
            if key is None:
                raise UpstreamFailed(f"the token {self._token} holds no key named {self._label}")
            try:
                root_key = _decrypt(key, sealed, nonce, associated)
            except pkcs11.PKCS11Error:
                # Modules answer a wrong tag with this code or that: what tells is whether the key works.
                fresh = random_bytes(_NONCE_BYTES)
                if _decrypt(key, _encrypt(key, b"trial", fresh, b""), fresh, b"") == b"trial":
                    raise IntegrityFailure("the key in the token does not open the seal") from None
                raise
        return root_key

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """A session of one use, logged in. Raises what `wrap` says."""
        import pkcs11  # noqa: PLC0415 (same)

        with _LOCK:
            try:
                loaded = pkcs11.lib(self._library)
            except (pkcs11.PKCS11Error, RuntimeError, OSError):
                raise UpstreamFailed(f"cannot load the PKCS#11 library {self._library}") from None
            try:
                token = loaded.get_token(token_label=self._token)
                with token.open(rw=True, user_pin=self._pin().reveal()) as session:
                    yield session
            except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinInvalid, pkcs11.PinLenRange):
                raise InvalidCredentials(f"the token {self._token} refuses the PIN") from None
            except pkcs11.PKCS11Error as error:
                reason = type(error).__name__
                raise UpstreamFailed(f"the token {self._token} cannot be used: {reason}") from None
            finally:
                with suppress(pkcs11.PKCS11Error):
                    loaded.finalize()

    def _find(self, session: Session) -> Any:
        import pkcs11  # noqa: PLC0415 (same)

        try:
            found: Any = session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=self._label)
        except pkcs11.NoSuchKey:
            return None
        return found

    def _make(self, session: Session) -> Any:
        import pkcs11  # noqa: PLC0415 (same)

        kept = {
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.EXTRACTABLE: False,
            pkcs11.Attribute.PRIVATE: True,
        }
        uses = pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT
        return session.generate_key(
            pkcs11.KeyType.AES, _KEY_BITS, label=self._label, store=True, capabilities=uses, template=kept
        )


def _encrypt(key: Any, data: bytes, nonce: bytes, associated: bytes) -> bytes:
    import pkcs11  # noqa: PLC0415 (same)

    parameters = pkcs11.GCMParams(nonce, associated, _TAG_BITS)
    return bytes(key.encrypt(data, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters))


def _decrypt(key: Any, data: bytes, nonce: bytes, associated: bytes) -> bytes:
    import pkcs11  # noqa: PLC0415 (same)

    parameters = pkcs11.GCMParams(nonce, associated, _TAG_BITS)
    return bytes(key.decrypt(data, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters))
