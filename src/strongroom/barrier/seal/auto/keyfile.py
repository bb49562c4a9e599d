"""The key file: 32 random bytes that lie apart from the store, on a mount or a tmpfs.

It is read when it is needed and not kept, so a mount that comes up later is tried again.
"""

import os
import stat
from pathlib import Path

from strongroom.crypto.aead import KEY_BYTES, XAES
from strongroom.errors import UpstreamFailed

KIND = "keyfile"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFileSeal:
    """Wraps the root key under the key in a file that its owner alone can read."""

    kind = KIND

    def __init__(self, path: Path) -> None:
        self._path = path

    async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
        """Encrypt the root key. Raises UpstreamFailed when the file cannot be used."""
        return XAES(self._key()).seal(root_key, associated)

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """Undo `wrap`. Raises IntegrityFailure for another key, and UpstreamFailed as `wrap` does."""
        return XAES(self._key()).open(wrapped, associated)

    def version(self, wrapped: bytes) -> str:
        """No versions: another key is another file, under a name of its own."""
        return ""

    def _key(self) -> bytes:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise UpstreamFailed(f"cannot read the key file {self._path}: {error.strerror}") from None
        with os.fdopen(file, "rb", buffering=0) as stream:
            self._check(os.fstat(stream.fileno()))
            key = stream.read(KEY_BYTES + 1)
        if len(key) != KEY_BYTES:
            raise UpstreamFailed(f"the key file {self._path} must hold exactly {KEY_BYTES} bytes")
        return key

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise UpstreamFailed(f"the key file {self._path} is not a regular file")
        if found.st_uid not in (0, os.geteuid()):
            raise UpstreamFailed(f"the key file {self._path} belongs to another user")
        if found.st_mode & _OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            raise UpstreamFailed(f"the key file {self._path} has mode {mode:04o}: others may use it")
