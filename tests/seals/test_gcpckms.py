"""Google's own client against a loopback KMS that checks its JWT."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.auto.gcpckms import GcpCloudKms
from strongroom.barrier.seal.sealing import Backend
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.framework.context import in_thread
from tests.seals.clouds import GoogleKms
from tests.seals.stores import Store

pytestmark = [pytest.mark.slow]
RING = "projects/p/locations/global/keyRings/r/cryptoKeys"


@pytest.fixture(scope="module")
def kms() -> GoogleKms:
    kms = GoogleKms()
    kms.rotate(f"{RING}/seal")
    kms.rotate(f"{RING}/other")
    return kms


@pytest.fixture(scope="module")
def endpoint(kms: GoogleKms) -> Iterator[str]:
    with kms.running() as address:
        yield address


@pytest.fixture
def credentials(kms: GoogleKms, tmp_path: Path) -> str:
    path = tmp_path / "account.json"
    path.write_text(kms.credentials())
    return str(path)


def service(endpoint: str, credentials: str, key: str = "seal") -> GcpCloudKms:
    return GcpCloudKms(f"{RING}/{key}", in_thread, credentials=credentials, endpoint=endpoint)


async def test_the_key_wraps_and_only_that_key_opens(endpoint: str, credentials: str) -> None:
    seal = EnvelopeSeal(service(endpoint, credentials))
    wrapped = await seal.wrap(b"r" * 32, b"state")
    assert await seal.unwrap(wrapped, b"state") == b"r" * 32
    other = EnvelopeSeal(service(endpoint, credentials, "other"))
    with pytest.raises(IntegrityFailure, match="does not open the seal"):
        await other.unwrap(wrapped, b"state")
    with pytest.raises(IntegrityFailure):
        await seal.unwrap(wrapped, b"another")


async def test_a_new_version_wraps_anew(kms: GoogleKms, endpoint: str, credentials: str) -> None:
    kms.rotate(f"{RING}/turning")
    backend = Backend("gcpckms", EnvelopeSeal(service(endpoint, credentials, "turning")))
    store = Store()
    await store.make(backend)
    kms.rotate(f"{RING}/turning")
    await store.tended(backend)
    (held,) = (await store.state()).held
    assert backend.seal.version(held.wrapped) == "2"
    kms.keys[f"{RING}/turning"][0] = bytes(32)
    assert await store.opens(backend)


async def test_a_key_that_is_disabled_may_be_enabled_again(
    kms: GoogleKms, endpoint: str, credentials: str
) -> None:
    kms.rotate(f"{RING}/off")
    made = service(endpoint, credentials, "off")
    ciphertext, version = await made.encrypt(b"k" * 32)
    kms.disabled.add(f"{RING}/off")
    with pytest.raises(UpstreamFailed, match="does not take this key"):
        await made.decrypt(ciphertext, version)
    kms.disabled.clear()
    assert await made.decrypt(ciphertext, version) == b"k" * 32


async def test_without_a_file_the_environment_says_who_asks(
    endpoint: str, credentials: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", credentials)
    made = service(endpoint, "")
    assert await made.decrypt(*await made.encrypt(b"k" * 32)) == b"k" * 32


async def test_refusals_and_absence_may_pass(
    kms: GoogleKms, endpoint: str, credentials: str, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.json"
    stranger.write_text(GoogleKms().credentials())
    for place, account, key, says in (
        (endpoint, credentials, "none", "NotFound"),
        (endpoint, str(stranger), "seal", "Unauthenticated|Unauthorized"),
        (endpoint, str(tmp_path / "none.json"), "seal", "FileNotFoundError"),
        ("http://127.0.0.1:9", credentials, "seal", "ConnectionError"),
    ):
        with pytest.raises(UpstreamFailed, match=says):
            await service(place, account, key).encrypt(b"key")
