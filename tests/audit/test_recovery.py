"""Opening a log after a crash, and refusing to open a damaged one."""

from pathlib import Path

import pytest

from strongroom.audit import journal
from strongroom.audit.evidence import prove_inclusion, read_entries
from strongroom.audit.log import Log
from strongroom.audit.segments import segments
from strongroom.audit.tree import leaf_hash
from strongroom.audit.verify import verify_log
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure

from .builders import PRIVATE as KEY
from .logs import SMALL, damage, numbers, opened, put


async def test_a_torn_tail_is_cut_and_reported(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, 0, 1)
    with segments(tmp_path)[0].path.open("ab") as file:
        file.write(b'{"seq":2,"time":"20')
    async with opened(tmp_path) as log:
        assert (log.size, log.torn_bytes) == (2, 19)
        await put(log, 2)
    assert numbers(tmp_path) == [0, 1, 2]
    assert verify_log(tmp_path).problems == []


async def test_zeros_after_a_power_loss_are_cut(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, 0, 1)
    with segments(tmp_path)[0].path.open("ab") as file:
        file.write(b"\0" * 100 + b"\n" + b"\0" * 50)
    async with opened(tmp_path) as log:
        assert (log.size, log.torn_bytes) == (2, 151)


async def test_a_missing_tree_is_built_again(tmp_path: Path) -> None:
    async with opened(tmp_path, SMALL) as log:
        await log.set_signer(KEY)
        for number in range(0, 600, 20):
            await put(log, *range(number, number + 20))
    kept = {path.name: path.read_bytes() for path in (tmp_path / "tree").iterdir()}
    for path in (tmp_path / "tree").iterdir():
        path.unlink()
    async with opened(tmp_path, SMALL) as log:
        await put(log, 600)
    assert (tmp_path / "tree" / "0").read_bytes()[: 600 * 32] == kept["0"]
    assert (tmp_path / "tree" / "1").read_bytes() == kept["1"]


async def test_holes_in_the_tree_of_the_last_segment_are_filled(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, *range(10))
    tree = tmp_path / "tree" / "0"
    whole = tree.read_bytes()
    tree.write_bytes(whole[: 5 * 32] + bytes(64))
    async with opened(tmp_path):
        pass
    assert tree.read_bytes() == whole


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"number": 3}', b'"number": 4}', "entry 3 does not match"),
        (b'{"seq":3,', b'{"sex":3,', "entry 3 is damaged"),
        (b'{"seq":9,', b'{"sex":9,', "entries from 9 on are missing"),
        (b'"number": 0}\n', b'"number": 0}', "entry 0 is damaged"),
    ],
)
async def test_a_damaged_log_does_not_start(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    async with opened(tmp_path) as log:
        await put(log, *range(10))
    damage(tmp_path, old, new)
    with pytest.raises(IntegrityFailure, match=message):
        await Log.open(tmp_path, FakeClock())


async def test_a_log_rewritten_with_its_tree_does_not_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, *range(10))
    damage(tmp_path, b'"number": 3}', b'"number": 4}')
    line = read_entries(tmp_path, 3, 1)[0]
    tree = tmp_path / "tree" / "0"
    content = tree.read_bytes()
    tree.write_bytes(content[:96] + leaf_hash(line) + content[128:])
    with pytest.raises(IntegrityFailure, match="differs from its signed checkpoint of 10 entries"):
        await Log.open(tmp_path, FakeClock())


async def test_a_log_without_segments_does_not_start_afresh(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, 1)
    segments(tmp_path)[0].path.unlink()
    with pytest.raises(IntegrityFailure, match="segments are gone"):
        await Log.open(tmp_path, FakeClock())


async def long_log(directory: Path) -> list[Path]:
    async with opened(directory, SMALL) as log:
        await log.set_signer(KEY)
        for number in range(0, 200, 20):
            await put(log, *range(number, number + 20))
    return [segment.path for segment in segments(directory)]


async def test_archived_segments_are_not_needed_to_go_on(tmp_path: Path) -> None:
    paths = await long_log(tmp_path)
    paths[0].unlink()
    async with opened(tmp_path, SMALL) as log:
        await put(log, 200)
        await log.set_signer(KEY)
    assert prove_inclusion(tmp_path, 200).size == 200 + 1


async def test_a_tree_is_not_built_again_from_half_a_log(tmp_path: Path) -> None:
    paths = await long_log(tmp_path)
    (tmp_path / "tree" / "0").unlink()
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: content.index(b"\n") + 1])
    with pytest.raises(IntegrityFailure, match=f"segment {paths[1].name} does not reach entry"):
        await Log.open(tmp_path, FakeClock())
    (tmp_path / "tree" / "0").unlink()
    paths[0].unlink()
    with pytest.raises(IntegrityFailure, match="first segments are gone"):
        await Log.open(tmp_path, FakeClock())


async def test_a_torn_checkpoint_is_overwritten(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, 1)
    with (tmp_path / journal.NOTES).open("ab") as file:
        file.write(b'{"time":"2026')
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, 2)
    report = verify_log(tmp_path)
    assert (report.checkpoints, report.signed, report.problems) == (2, 2, [])


async def test_a_damaged_last_checkpoint_refuses_the_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, 1)
    (tmp_path / journal.NOTES).write_bytes(b"{}\n")
    with pytest.raises(IntegrityFailure, match="no checkpoint"):
        await Log.open(tmp_path, FakeClock())
