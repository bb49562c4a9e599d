"""The envelope: what a key service may answer, and what it never sees."""

import pytest

from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.auto.transit import Transit
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.sensitive import Sensitive
from tests.seals.clouds import Answer, Cloud


class Plain:
    """A service that wraps by reversing, and remembers what it saw."""

    kind = "plain"

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.cut = 32

    async def encrypt(self, data_key: bytes) -> tuple[bytes, str]:
        self.seen.append(data_key)
        return data_key[::-1], "v7"

    async def decrypt(self, ciphertext: bytes, version: str) -> bytes:
        assert version == "v7"
        return ciphertext[::-1][: self.cut]


async def test_the_service_sees_a_key_of_one_use_and_never_the_root_key() -> None:
    service = Plain()
    seal = EnvelopeSeal(service)
    root_key = b"r" * 32
    wrapped = [await seal.wrap(root_key, b"state") for _ in range(2)]
    assert len({*service.seen, root_key}) == 3
    assert seal.version(wrapped[0]) == "v7"
    assert await seal.unwrap(wrapped[0], b"state") == root_key


async def test_what_is_no_key_opens_nothing() -> None:
    service = Plain()
    seal = EnvelopeSeal(service)
    wrapped = await seal.wrap(b"r" * 32, b"state")
    service.cut = 31
    with pytest.raises(IntegrityFailure, match="no key"):
        await seal.unwrap(wrapped, b"state")


class Nonsense(Cloud):
    """Answers 200 with something else than a transit engine."""

    content: object = None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        return 200, self.content, {}  # type: ignore[return-value]  # anything but what is documented


async def test_a_server_that_is_no_transit_engine_is_away() -> None:
    cloud = Nonsense()
    with cloud.running() as address:
        service = Transit(address, "k", lambda: Sensitive("t"))
        for cloud.content in ({}, [], {"data": "x"}, {"data": {"ciphertext": "vault:v1:"}}):
            with pytest.raises(UpstreamFailed, match="without a ciphertext"):
                await service.encrypt(b"k" * 32)
        for cloud.content in ({}, {"data": None}, {"data": {"plaintext": "*"}}, {"data": {"plaintext": 7}}):
            with pytest.raises(UpstreamFailed, match="without a plaintext"):
                await service.decrypt(b"vault:v1:x", "v1")
