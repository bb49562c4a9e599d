"""The real GnuPG: makes keys, exports them, decrypts messages."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Primary key and subkey, as `--quick-gen-key` and `--quick-add-key` name them; the last encrypts by itself.
KINDS = {"rsa2048": "rsa2048", "rsa4096": "rsa4096", "ed25519": "cv25519", "future-default": ""}


class GnuPG:
    """One home directory."""

    def __init__(self, home: str) -> None:
        self._home = home

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        """What gpg prints; an error is an error."""
        command = ["gpg", "--homedir", self._home, "--batch", "--quiet", "--no-tty", *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True, timeout=120).stdout

    def make(self, kind: str, name: str, *, expires: str = "never") -> str:
        """A new key; its fingerprint in lower case."""
        silent = ("--passphrase", "", "--pinentry-mode", "loopback")
        if KINDS[kind]:
            self.run(*silent, "--quick-gen-key", name, kind, "sign", expires)
            self.run(*silent, "--quick-add-key", self.fingerprint(name), KINDS[kind], "encrypt", expires)
        else:
            self.run(*silent, "--quick-gen-key", name, kind, "default", expires)
        return self.fingerprint(name).lower()

    def fingerprint(self, name: str) -> str:
        lines = self.run("--with-colons", "--list-keys", name).decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def export(self, name: str, *options: str) -> bytes:
        return self.run(*options, "--export", name)

    def decrypt(self, message: bytes) -> bytes:
        return self.run("--pinentry-mode", "loopback", "--decrypt", given=message)


@contextmanager
def gnupg() -> Iterator[GnuPG]:
    """GnuPG in a home of its own; its agent ends with it. The path is short, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="gpg-", ignore_cleanup_errors=True) as home:
        try:
            yield GnuPG(home)
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, timeout=30)
