"""The key file: what it opens, and what kind of file is refused."""

import os
from pathlib import Path

import pytest

from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.framework.context import in_thread

ROOT_KEY = b"r" * 32


async def test_what_is_wrapped_opens_and_only_under_what_it_is_bound_to(service: KeyFileSeal) -> None:
    wrapped = await service.wrap(ROOT_KEY, b"state")
    assert ROOT_KEY not in wrapped
    assert await service.unwrap(wrapped, b"state") == ROOT_KEY
    with pytest.raises(IntegrityFailure):
        await service.unwrap(wrapped, b"another")
    with pytest.raises(IntegrityFailure):
        await service.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"state")


async def test_another_key_does_not_open_it(service: KeyFileSeal, key_file: Path) -> None:
    wrapped = await service.wrap(ROOT_KEY, b"state")
    await in_thread(key_file.write_bytes, os.urandom(32))
    with pytest.raises(IntegrityFailure):
        await service.unwrap(wrapped, b"state")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
async def test_a_file_that_others_may_use_is_refused(service: KeyFileSeal, key_file: Path, mode: int) -> None:
    await in_thread(key_file.chmod, mode)
    with pytest.raises(UpstreamFailed, match=f"mode {mode:04o}"):
        await service.wrap(ROOT_KEY, b"state")


@pytest.mark.parametrize("size", [0, 31, 33, 5000])
async def test_a_key_has_32_bytes(service: KeyFileSeal, key_file: Path, size: int) -> None:
    await in_thread(key_file.write_bytes, bytes(size))
    with pytest.raises(UpstreamFailed, match="exactly 32 bytes"):
        await service.wrap(ROOT_KEY, b"state")


async def test_a_missing_file_and_what_is_no_file(service: KeyFileSeal, key_file: Path) -> None:
    await in_thread(key_file.unlink)
    with pytest.raises(UpstreamFailed, match="No such file"):
        await service.unwrap(b"", b"state")
    os.mkfifo(key_file, 0o600)
    with pytest.raises(UpstreamFailed, match="not a regular file"):
        await service.unwrap(b"", b"state")


@pytest.mark.component("root")
async def test_a_file_of_another_user_is_refused(service: KeyFileSeal, key_file: Path) -> None:
    os.chown(key_file, 65534, 65534)
    with pytest.raises(UpstreamFailed, match="another user"):
        await service.wrap(ROOT_KEY, b"state")
