"""A real OpenBao holds the key: it wraps, rotates, comes and goes, and its token is kept alive."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.auto.transit import Transit
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.sensitive import Sensitive
from tests.seals.stores import Store, key_file_seal, off
from tests.suites.openbao import OpenBao, running

pytestmark = [pytest.mark.slow]
ROOT_KEY = b"r" * 32
RULES = 'path "transit/*" { capabilities = ["update"] }'


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("openbao")) as server:
        assert server.call("POST", "sys/mounts/transit", {"type": "transit"})[0] == 204
        assert server.call("PUT", "sys/policies/acl/seal", {"policy": RULES})[0] == 204
        yield server


@pytest.fixture(scope="module")
def token(bao: OpenBao) -> str:
    wanted = {"policies": ["seal"], "ttl": "90s", "no_default_policy": False}
    made: str = bao.call("POST", "auth/token/create-orphan", wanted)[1]["auth"]["client_token"]
    return made


Make = Callable[..., Transit]


@pytest.fixture
def transit(bao: OpenBao, token: str) -> Make:
    """A key of that name, made, and a client of it."""

    def made(key: str, **settings: str) -> Transit:
        bao.call("POST", f"transit/keys/{key}", {})
        address = bao.base.removesuffix("/v1/")
        return Transit(address, key, lambda: Sensitive(token), **settings)  # type: ignore[arg-type]  # texts

    return made


async def test_the_key_wraps_and_only_that_key_opens(transit: Make) -> None:
    seal, other = EnvelopeSeal(transit("first")), EnvelopeSeal(transit("other"))
    wrapped = await seal.wrap(ROOT_KEY, b"state")
    assert ROOT_KEY not in wrapped
    assert await seal.unwrap(wrapped, b"state") == ROOT_KEY
    for service, entry, associated in (
        (other, wrapped, b"state"),
        (seal, wrapped, b"another"),
        (seal, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"state"),
        (seal, b"no envelope", b"state"),
    ):
        with pytest.raises(IntegrityFailure):
            await service.unwrap(entry, associated)


async def test_a_rotated_key_wraps_anew_and_the_old_version_may_go(bao: OpenBao, transit: Make) -> None:
    backend = Backend("transit", EnvelopeSeal(transit("turning")))
    store = Store()
    await store.make(backend)
    assert bao.call("POST", "transit/keys/turning/rotate", {})[0] in (200, 204)
    await store.tended(backend)
    (held,) = (await store.state()).held
    assert backend.seal.version(held.wrapped) == "v2"
    bao.call("POST", "transit/keys/turning/config", {"min_decryption_version": 2})
    assert await store.opens(backend)


async def test_the_token_is_renewed_in_time(bao: OpenBao, transit: Make) -> None:
    assert await transit("renewed").keep() == 45
    address = bao.base.removesuffix("/v1/")
    assert await Transit(address, "renewed", lambda: Sensitive("root")).keep() is None


async def test_refusals_and_absence_are_told_without_the_token(bao: OpenBao, transit: Make) -> None:
    transit("refused")
    address = bao.base.removesuffix("/v1/")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
        for place, token, says in (
            (address, "s.wrong-token", "refuses the token"),
            (address, "bad\ntoken", "does not answer"),
            (nobody, "s.wrong-token", "does not answer"),
        ):
            with pytest.raises(UpstreamFailed, match=says) as raised:
                await Transit(place, "refused", lambda text=token: Sensitive(text)).encrypt(b"key")  # type: ignore[misc]  # bound in the loop
            assert token not in str(raised.value)
    with pytest.raises(UpstreamFailed, match="answered 4"):
        await Transit(address, "none", lambda: Sensitive("root"), mount_path="nowhere").encrypt(b"key")


async def test_a_key_in_a_namespace(bao: OpenBao) -> None:
    assert bao.call("POST", "sys/namespaces/team", {})[0] == 200
    inside = {"X-Vault-Namespace": "team"}
    assert bao.call("POST", "sys/mounts/keys", {"type": "transit"}, headers=inside)[0] == 204
    assert bao.call("POST", "keys/keys/mine", {}, headers=inside)[0] in (200, 204)
    address, root = bao.base.removesuffix("/v1/"), lambda: Sensitive("root")
    service = Transit(address, "mine", root, mount_path="keys", namespace="team")
    assert await service.decrypt(*await service.encrypt(b"k" * 32)) == b"k" * 32
    with pytest.raises(UpstreamFailed):
        await Transit(address, "mine", root, mount_path="keys").encrypt(b"k" * 32)


async def test_from_shares_to_transit_to_a_file_and_back(transit: Make, tmp_path: Path) -> None:
    remote, local = Backend("transit", EnvelopeSeal(transit("moving"))), key_file_seal(tmp_path, "local")
    store = Store()
    await store.make()
    for during, after in (([remote], [remote]), ([off(remote), local], [local]), ([off(local)], [])):
        await store.unseal(Sealing(*during), migrate=True)
        assert await store.opens(*after)
