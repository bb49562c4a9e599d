"""A key file, and a SoftHSM token of this test session's own."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.barrier.seal.auto.pkcs11 import Pkcs11Seal
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.framework.context import in_thread
from strongroom.sensitive import Sensitive
from strongroom.storage.contract import StorageFull
from strongroom.storage.memory import MemoryStorage
from strongroom.storage.optimistic import Writes

PIN = "739154"
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


class FullStorage(MemoryStorage):
    """Has room for so many more commits."""

    room = 1_000_000

    async def apply(self, writes: Writes) -> None:
        if self.room == 0:
            raise StorageFull("full")
        self.room -= 1
        await super().apply(writes)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "seal.key"
    path.write_bytes(os.urandom(32))
    path.chmod(0o600)
    return path


@pytest.fixture
def service(key_file: Path) -> KeyFileSeal:
    return KeyFileSeal(key_file)


@pytest.fixture
def sealing(service: KeyFileSeal) -> Sealing:
    return Sealing(Backend("keyfile", service))


@dataclass
class Module:
    """SoftHSM with tokens in a directory of its own; `configuration` is what SOFTHSM2_CONF names."""

    library: str
    configuration: Path

    def token(self, name: str) -> None:
        """Make a token."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", name]
        subprocess.run([*command, "--so-pin", "918273", "--pin", PIN], check=True, stdout=subprocess.DEVNULL)

    def seal(self, token: str, label: str = "strongroom", pin: str = PIN) -> Pkcs11Seal:
        return Pkcs11Seal(self.library, token, label, lambda: Sensitive(pin), in_thread)


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    configuration = home / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {home}/tokens\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        yield Module(next(filter(os.path.exists, LIBRARIES)), configuration)
