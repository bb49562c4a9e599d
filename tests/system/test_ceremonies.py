"""Initialising, unsealing, rekeying and generating root, in both spellings."""

import base64
from typing import Any

import pytest

from strongroom.errors import InvalidCredentials, InvalidRequest, PermissionDenied
from strongroom.system.ceremonies import Permissions
from strongroom.system.rekey import decoded_root
from tests.suites.house import House

OPEN = Permissions(unauthenticated_rekey=True, unauthenticated_generate_root=True)


async def test_init_gives_shares_in_both_forms_once() -> None:
    house = House(Permissions(), {})
    answer = await house.write("sys/init", {"secret_shares": 5, "secret_threshold": 3}, token=None)
    keys = answer.data["keys"]
    assert len(keys) == 5
    assert [base64.b64decode(key).hex() for key in answer.data["keys_base64"]] == keys
    with pytest.raises(InvalidRequest, match="already initialized"):
        await house.write("sys/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)
    status = (await house.read("sys/seal-status", token=None)).data
    assert (status["sealed"], status["t"], status["n"]) == (True, 3, 5)
    for key in keys[1:4]:
        status = (await house.write("sys/unseal", {"key": key}, token=None)).data
    assert status["sealed"] is False
    await house.core.expiry.stop()
    await house.read("sys/mounts", token=answer.data["root_token"])


async def test_unseal_progress_can_be_reset_and_wrong_shares_reset_it() -> None:
    house = await House.opened(shares=3, threshold=2)
    await house.write("sys/seal", {})
    first = house.shares[0].hex()
    progress = (await house.write("sys/unseal", {"key": first}, token=None)).data
    assert progress["progress"] == 1
    assert (await house.write("sys/unseal", {"reset": True}, token=None)).data["progress"] == 0
    await house.write("sys/unseal", {"key": first}, token=None)
    with pytest.raises(InvalidCredentials):
        await house.write("sys/unseal", {"key": bytes(33).hex()}, token=None)
    assert (await house.read("sys/seal-status", token=None)).data["progress"] == 0
    for share in house.shares[1:]:
        await house.write("sys/unseal", {"key": share.hex()}, token=None)
    assert not house.core.sealed
    await house.core.expiry.stop()


@pytest.mark.parametrize("path", ["sys/rekey", "sys/rotate/root"])
async def test_rekey_changes_the_shares(path: str) -> None:
    house = await House.opened(OPEN, shares=3, threshold=2)
    token = None if path == "sys/rekey" else "root"
    begun = (await house.write(f"{path}/init", {"secret_shares": 5, "secret_threshold": 2}, token=token)).data
    answer = None
    for share in house.shares[:2]:
        answer = await house.write(
            f"{path}/update", {"key": share.hex(), "nonce": begun["nonce"]}, token=token
        )
    assert answer is not None
    assert answer.data["complete"] is True
    old, house.shares = house.shares, [bytes.fromhex(key) for key in answer.data["keys"]][3:]
    await house.write("sys/seal", {})
    await house.write("sys/unseal", {"key": old[0].hex()}, token=None)
    with pytest.raises(InvalidCredentials):
        await house.write("sys/unseal", {"key": old[1].hex()}, token=None)
    await house.unseal()
    assert not house.core.sealed


async def begin_verified_rekey(house: House) -> dict[str, Any]:
    wanted = {"secret_shares": 2, "secret_threshold": 2, "require_verification": True}
    begun = (await house.write("sys/rekey/init", wanted, token=None)).data
    share = {"key": house.shares[0].hex(), "nonce": begun["nonce"]}
    new: dict[str, Any] = (await house.write("sys/rekey/update", share, token=None)).data
    assert new["verification_required"] is True
    return new


async def test_unproven_new_shares_never_replace_the_old() -> None:
    house = await House.opened(OPEN)
    new = await begin_verified_rekey(house)
    await house.write("sys/seal", {})
    await house.unseal()
    assert not house.core.sealed
    with pytest.raises(InvalidRequest, match="no rekey"):
        await house.write(
            "sys/rekey/verify", {"key": new["keys"][0], "nonce": new["verification_nonce"]}, token=None
        )


async def test_proven_new_shares_take_over() -> None:
    house = await House.opened(OPEN)
    new = await begin_verified_rekey(house)
    for key in new["keys"]:
        answer = await house.write(
            "sys/rekey/verify", {"key": key, "nonce": new["verification_nonce"]}, token=None
        )
    assert answer.data["complete"] is True
    house.shares = [bytes.fromhex(key) for key in new["keys"]]
    await house.write("sys/seal", {})
    await house.unseal()
    assert not house.core.sealed


@pytest.mark.parametrize("path", ["sys/generate-root", "sys/generate-root-token"])
async def test_a_quorum_makes_a_root_token_only_the_starter_can_read(path: str) -> None:
    house = await House.opened(OPEN, shares=3, threshold=2)
    token = None if path == "sys/generate-root" else "root"
    begun = (await house.write(f"{path}/attempt", {}, token=token)).data
    assert len(begun["otp"]) == begun["otp_length"]
    assert (await house.read(f"{path}/attempt", token=token)).data["otp"] == ""
    for share in house.shares[:2]:
        answer = (
            await house.write(f"{path}/update", {"key": share.hex(), "nonce": begun["nonce"]}, token=token)
        ).data
    assert answer["complete"] is True
    assert answer["encoded_token"] == answer["encoded_root_token"]
    made = decoded_root(answer["encoded_root_token"], begun["otp"])
    await house.read("sys/mounts", token=made)


async def test_ceremonies_are_closed_to_strangers_unless_switched_on() -> None:
    house = await House.opened()
    for path in ("sys/rekey/init", "sys/generate-root/attempt", "sys/rotate/root/init"):
        with pytest.raises(PermissionDenied):
            await house.read(path, token=None)
        with pytest.raises(PermissionDenied):
            await house.write(path, {}, token=None)
        with pytest.raises(PermissionDenied):
            await house.delete(path, token=None)
        await house.read(path)


async def test_rotation_puts_a_new_key_in_force_online() -> None:
    house = await House.opened()
    await house.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    await house.write("secret/data/a", {"data": {"x": 1}})
    before = (await house.read("sys/key-status")).data["term"]
    await house.write("sys/rotate", {})
    await house.write("sys/rotate/keyring", {})
    assert (await house.read("sys/key-status")).data["term"] == before + 2
    assert (await house.read("secret/data/a")).data
    await house.write("sys/seal", {})
    await house.unseal()
    assert (await house.read("secret/data/a")).data
