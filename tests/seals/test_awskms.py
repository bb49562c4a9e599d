"""AWS KMS as moto plays it, by HTTP: the real client, its signatures and its refusals."""

import socket
from collections.abc import Iterator

import pytest
from botocore.session import Session

from strongroom.barrier.seal.auto.awskms import CONTEXT, AwsKms
from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.sealing import Backend
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.framework.context import in_thread
from tests.seals.stores import Store
from tests.suites.aws import amazon

pytestmark = [pytest.mark.slow]
ROOT_KEY = b"r" * 32
REFUSED = (IntegrityFailure, UpstreamFailed)
"""moto denies access where AWS says that the key or the ciphertext is another."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with amazon() as address:
        yield address


@pytest.fixture(scope="module")
def keys(endpoint: str) -> list[str]:
    client = Session().create_client("kms", region_name="eu-central-1", endpoint_url=endpoint)
    made = [client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
    client.create_alias(AliasName="alias/strongroom", TargetKeyId=made[0])
    client.close()
    return made


def service(endpoint: str, key: str) -> AwsKms:
    return AwsKms(key, in_thread, region="eu-central-1", endpoint=endpoint)


async def test_the_key_wraps_and_what_is_changed_or_moved_does_not_open(
    endpoint: str, keys: list[str]
) -> None:
    seal = EnvelopeSeal(service(endpoint, keys[0]))
    wrapped = await seal.wrap(ROOT_KEY, b"state")
    assert ROOT_KEY not in wrapped
    assert keys[0] in seal.version(wrapped)
    assert await seal.unwrap(wrapped, b"state") == ROOT_KEY
    with pytest.raises(IntegrityFailure):
        await seal.unwrap(wrapped, b"another")
    with pytest.raises(IntegrityFailure):
        await seal.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"state")


async def test_another_key_and_another_context_are_refused(endpoint: str, keys: list[str]) -> None:
    ours, other = service(endpoint, keys[0]), service(endpoint, keys[1])
    ciphertext, version = await ours.encrypt(b"k" * 32)
    with pytest.raises(REFUSED):
        await other.decrypt(ciphertext, version)
    client = Session().create_client("kms", region_name="eu-central-1", endpoint_url=endpoint)
    assert client.decrypt(CiphertextBlob=ciphertext, EncryptionContext=CONTEXT)["Plaintext"] == b"k" * 32
    plain = client.encrypt(KeyId=keys[0], Plaintext=b"k" * 32)["CiphertextBlob"]
    client.close()
    with pytest.raises(REFUSED):
        await ours.decrypt(plain, version)


async def test_a_store_opens_by_the_alias_of_a_key(endpoint: str, keys: list[str]) -> None:
    backend = Backend("awskms", EnvelopeSeal(service(endpoint, "alias/strongroom")))
    store = Store()
    await store.make(backend)
    assert await store.opens(backend)
    assert (await store.tended(backend)).well


async def test_refusals_and_absence_may_pass(
    endpoint: str, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UpstreamFailed, match="AWS KMS refuses: NotFoundException"):
        await service(endpoint, "00000000-0000-0000-0000-000000000000").encrypt(b"key")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(UpstreamFailed, match="EndpointConnectionError"):
            await service(nobody, keys[0]).encrypt(b"key")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(UpstreamFailed, match="NoCredentials"):
        await service(endpoint, keys[0]).encrypt(b"key")
