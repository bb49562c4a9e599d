"""Azure's own clients against a loopback vault and login, over TLS."""

from collections.abc import Callable, Iterator

import pytest

from strongroom.barrier.seal.auto.azurekeyvault import AzureKeyVault
from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.sealing import Backend
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.framework.context import in_thread
from strongroom.sensitive import Sensitive
from tests.seals.clouds import AzureVault
from tests.seals.stores import Store
from tests.server.certificates import self_signed

pytestmark = [pytest.mark.slow]
SECRET = "a-client-secret"
Make = Callable[..., AzureKeyVault]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureVault]:
    vault = AzureVault(SECRET)
    pair = self_signed(tmp_path_factory.mktemp("azure"), "vault")
    with vault.running(pair) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(pair.cert))
        vault.address = address
        vault.rotate("seal")
        vault.rotate("other")
        yield vault


@pytest.fixture
def service(vault: AzureVault) -> Make:
    def made(key: str = "seal", secret: str = SECRET, address: str = vault.address) -> AzureKeyVault:
        return AzureKeyVault(
            address,
            key,
            in_thread,
            tenant="tenant",
            client="client",
            secret=lambda: Sensitive(secret),
            authority=vault.address,
        )

    return made


async def test_the_key_wraps_and_only_that_key_opens(vault: AzureVault, service: Make) -> None:
    seal = EnvelopeSeal(service())
    wrapped = await seal.wrap(b"r" * 32, b"state")
    assert seal.version(wrapped) in vault.keys["seal"]
    assert await seal.unwrap(wrapped, b"state") == b"r" * 32
    with pytest.raises(IntegrityFailure, match="does not open the seal"):
        await EnvelopeSeal(service("other")).unwrap(wrapped, b"state")
    with pytest.raises(IntegrityFailure):
        await seal.unwrap(wrapped, b"another")
    with pytest.raises(IntegrityFailure, match="names no version"):
        await service().decrypt(b"", "../../secrets/x")


async def test_a_new_version_wraps_anew(vault: AzureVault, service: Make) -> None:
    vault.rotate("turning")
    backend = Backend("azurekeyvault", EnvelopeSeal(service("turning")))
    store = Store()
    await store.make(backend)
    vault.rotate("turning")
    assert await store.opens(backend)
    await store.tended(backend)
    (held,) = (await store.state()).held
    assert backend.seal.version(held.wrapped) == list(vault.keys["turning"])[-1]


async def test_without_a_secret_the_environment_says_who_asks(
    vault: AzureVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TENANT_ID", "tenant"), ("CLIENT_ID", "client"), ("CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(f"AZURE_{name}", value)
    made = AzureKeyVault(vault.address, "seal", in_thread, authority=vault.address)
    assert await made.decrypt(*await made.encrypt(b"k" * 32)) == b"k" * 32


async def test_refusals_and_absence_may_pass(vault: AzureVault, service: Make) -> None:
    for made, says in (
        (service(secret="a-wrong-secret"), "refuses the login"),
        (service("none"), "answered 404"),
        (service(address="https://127.0.0.1:9"), "ServiceRequestError"),
    ):
        with pytest.raises(UpstreamFailed, match=says) as raised:
            await made.encrypt(b"key")
        assert "a-wrong-secret" not in str(raised.value)


async def test_an_identity_that_may_not_get_the_key_is_told(vault: AzureVault, service: Make) -> None:
    vault.may_get = False
    try:
        with pytest.raises(UpstreamFailed, match="lacks the permission to get"):
            await service().encrypt(b"k" * 32)
    finally:
        vault.may_get = True
