"""Key shares and root tokens encrypted to OpenPGP keys: at init, rekey and root generation."""

import base64
from collections.abc import Iterator

import pytest

from strongroom.errors import InvalidRequest
from strongroom.system.ceremonies import Permissions
from tests.crypto.openpgp.builder import Builder
from tests.crypto.openpgp.gnupg import GnuPG, gnupg
from tests.suites.house import House

OPEN = Permissions(unauthenticated_rekey=True, unauthenticated_generate_root=True)
HOLDERS = ("ann@example.com", "bob@example.com")


@pytest.fixture(scope="module")
def gpg() -> Iterator[GnuPG]:
    with gnupg() as home:
        for name in HOLDERS:
            home.make("ed25519", name)
        yield home


@pytest.fixture
def keys(gpg: GnuPG) -> list[str]:
    return [base64.b64encode(gpg.export(name)).decode() for name in HOLDERS]


def opened(gpg: GnuPG, message: str) -> str:
    return gpg.decrypt(base64.b64decode(message)).decode()


@pytest.mark.slow
@pytest.mark.component("gpg")
async def test_init_gives_each_holder_a_share_only_they_can_read(gpg: GnuPG, keys: list[str]) -> None:
    house = House(Permissions(), {})
    wanted = {
        "secret_shares": 2,
        "secret_threshold": 2,
        "pgp_keys": keys,
        "root_token_pgp_key": keys[0],
    }
    made = (await house.write("sys/init", wanted, token=None)).data
    assert [base64.b64decode(one).hex() for one in made["keys_base64"]] == made["keys"]
    for message in made["keys_base64"]:
        await house.write("sys/unseal", {"key": opened(gpg, message)}, token=None)
    assert not house.core.sealed
    await house.core.expiry.stop()
    await house.read("sys/mounts", token=opened(gpg, made["root_token"]))


@pytest.mark.slow
@pytest.mark.component("gpg")
@pytest.mark.parametrize("verify", [False, True])
async def test_rekey_keeps_encrypted_shares_until_they_are_deleted(
    gpg: GnuPG, keys: list[str], *, verify: bool
) -> None:
    house = await House.opened(OPEN)
    wanted = {
        "secret_shares": 2,
        "secret_threshold": 2,
        "pgp_keys": keys,
        "backup": True,
        "require_verification": verify,
    }
    begun = (await house.write("sys/rekey/init", wanted, token=None)).data
    names = [gpg.fingerprint(name).lower() for name in HOLDERS]
    assert (begun["pgp_fingerprints"], begun["backup"]) == (names, True)
    share = {"key": house.shares[0].hex(), "nonce": begun["nonce"]}
    made = (await house.write("sys/rekey/update", share, token=None)).data
    assert (made["complete"], made["pgp_fingerprints"], made["backup"]) == (True, names, True)
    kept = (await house.read("sys/rekey/backup")).data
    assert kept["nonce"] == begun["nonce"]
    assert kept["keys"] == {name: [key] for name, key in zip(names, made["keys"], strict=True)}
    assert kept["keys_base64"] == {n: [key] for n, key in zip(names, made["keys_base64"], strict=True)}
    shares = [opened(gpg, message) for message in made["keys_base64"]]
    for key in shares if verify else ():
        await house.write("sys/rekey/verify", {"key": key, "nonce": made["verification_nonce"]}, token=None)
    house.shares = [bytes.fromhex(key) for key in shares]
    await house.write("sys/seal", {})
    await house.unseal()
    assert not house.core.sealed
    await house.delete("sys/rekey/backup")
    with pytest.raises(InvalidRequest, match="no backed-up keys found"):
        await house.read("sys/rekey/backup")
    assert (await house.read("sys/rekey/init", token=None)).data["pgp_fingerprints"] is None


@pytest.mark.slow
@pytest.mark.component("gpg")
async def test_a_root_token_is_made_for_the_holder_of_a_key(gpg: GnuPG, keys: list[str]) -> None:
    house = await House.opened(OPEN)
    begun = (await house.write("sys/generate-root/attempt", {"pgp_key": keys[1]}, token=None)).data
    assert begun["otp"] == ""
    assert begun["pgp_fingerprint"] == gpg.fingerprint(HOLDERS[1]).lower()
    share = {"key": house.shares[0].hex(), "nonce": begun["nonce"]}
    made = (await house.write("sys/generate-root/update", share, token=None)).data
    assert made["encoded_token"] == made["encoded_root_token"]
    await house.read("sys/mounts", token=opened(gpg, made["encoded_root_token"]))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pgp_keys": ["x"], "secret_shares": 2, "secret_threshold": 2}, "1 keys for 2 shares"),
        ({"pgp_keys": ["x!"], "secret_shares": 1, "secret_threshold": 1}, "pgp_keys: key 1: an OpenPGP"),
        ({"pgp_keys": ["keybase:ann"], "secret_shares": 1, "secret_threshold": 1}, "keybase"),
        ({"root_token_pgp_key": "AAAA", "secret_shares": 1, "secret_threshold": 1}, "root_token_pgp_key: "),
    ],
)
async def test_a_bad_key_stops_init_before_anything_is_made(fields: dict[str, object], reason: str) -> None:
    house = House(Permissions(), {})
    with pytest.raises(InvalidRequest, match=reason):
        await house.write("sys/init", fields, token=None)
    assert (await house.read("sys/init", token=None)).data == {"initialized": False}
    assert not house.core.initialized


async def test_a_backup_needs_keys_and_a_token_takes_one_way_of_hiding() -> None:
    house = await House.opened(OPEN)
    with pytest.raises(InvalidRequest, match="without providing pgp_keys"):
        await house.write("sys/rekey/init", {"backup": True}, token=None)
    with pytest.raises(InvalidRequest, match="only one of"):
        await house.write("sys/generate-root/attempt", {"otp": "x", "pgp_key": "y"}, token=None)


async def test_the_next_rekey_is_not_hidden_from_its_holders() -> None:
    house = await House.opened(OPEN)
    key = Builder().text()
    wanted = {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": [key]}
    await house.write("sys/rekey/init", wanted, token=None)
    await house.delete("sys/rekey/init", token=None)
    begun = (
        await house.write("sys/rekey/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)
    ).data
    share = {"key": house.shares[0].hex(), "nonce": begun["nonce"]}
    made = (await house.write("sys/rekey/update", share, token=None)).data
    house.shares = [bytes.fromhex(made["keys"][0])]
    await house.write("sys/seal", {})
    await house.unseal()
    assert not house.core.sealed
