"""A key file, a SoftHSM token of this test session's own, and a store that two key files open."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.barrier.seal.auto.pkcs11 import Pkcs11Seal
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.framework.context import in_thread
from strongroom.sensitive import Sensitive
from tests.seals.stores import Store, key_file_seal
from tests.server.process import Server, start

Begin = Callable[[str], Server]
PIN = "739154"
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Start a server on one data directory with these tables in its configuration."""

    def begun(tables: str) -> Server:
        file = tmp_path / "strongroom.toml"
        file.write_text(f'data = "{tmp_path}/data"\n{tables}\n')
        file.chmod(0o600)
        return start("--config", file)

    return begun


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


@pytest.fixture
def first(tmp_path: Path) -> Backend:
    return key_file_seal(tmp_path, "first")


@pytest.fixture
def second(tmp_path: Path) -> Backend:
    return key_file_seal(tmp_path, "second")


@pytest.fixture
async def store(first: Backend, second: Backend) -> Store:
    store = Store()
    await store.make(first, second)
    return store
