"""The log in use: lines, sequences, segments, checkpoints."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from strongroom.audit import journal
from strongroom.audit.checkpoint import open_checkpoint
from strongroom.audit.evidence import latest_checkpoint, read_entries
from strongroom.audit.log import Log, Settings
from strongroom.audit.segments import Reader, segments
from strongroom.audit.verify import verify_log
from strongroom.clock import FakeClock
from strongroom.errors import AuditFailed, IntegrityFailure

from .builders import PRIVATE as KEY
from .logs import SMALL, damage, entry, numbers, opened, put


async def test_entries_become_numbered_lines_that_only_the_owner_reads(tmp_path: Path) -> None:
    async with opened(tmp_path / "audit") as log:
        assert await put(log, 10, 11) == [0, 1]
        assert await put(log, 12) == [2]
        assert log.size == 3
    lines = (tmp_path / "audit" / f"{0:020}.jsonl").read_text().splitlines()
    assert lines[0] == '{"seq":0,"time": "2026-01-01T00:00:00Z", "type": "request", "number": 10}'
    assert [json.loads(line)["seq"] for line in lines] == [0, 1, 2]
    for path in (tmp_path / "audit").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_an_entry_is_on_disk_when_flushed_returns(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.flushed(log.append(entry(1)))
        assert numbers(tmp_path) == [1]


@pytest.mark.parametrize("wrong", [b"", b"{}", b"[1]", b'{"a":1}\n', b'{"a":\n1}'])
async def test_what_is_not_one_line_of_json_is_refused(tmp_path: Path, wrong: bytes) -> None:
    async with opened(tmp_path) as log:
        with pytest.raises(ValueError, match="one non-empty JSON object"):
            log.append(wrong)


async def test_segments_rotate_and_the_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    for start in range(0, 300, 100):
        async with opened(tmp_path, SMALL) as log:
            assert log.size == start
            for number in range(start, start + 100, 10):
                await put(log, *range(number, number + 10))
    assert len(segments(tmp_path)) > 8
    assert numbers(tmp_path) == list(range(300))
    report = verify_log(tmp_path)
    assert (report.entries, report.problems) == (300, [])


async def test_reading_starts_anywhere(tmp_path: Path) -> None:
    async with opened(tmp_path, SMALL) as log:
        for number in range(0, 100, 5):
            await put(log, *range(number, number + 5))
    for start in range(101):
        lines = read_entries(tmp_path, start, 3)
        assert [json.loads(line)["seq"] for line in lines] == list(range(start, min(start + 3, 100)))


async def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(AuditFailed, match="another process"):
            await Log.open(tmp_path, FakeClock())


async def test_checkpoints_are_signed_once_there_is_a_key_and_when_closing(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, 1)
        with pytest.raises(AuditFailed, match="sealed"):
            await log.checkpoint()
        await log.set_signer(KEY)
        first = latest_checkpoint(tmp_path)
        await put(log, 2)
        second = await log.checkpoint()
        assert await log.checkpoint() == second
        await put(log, 3)
    keys = journal.keys(tmp_path)
    assert [open_checkpoint(kept.note, keys).size for kept in journal.notes(tmp_path)] == [1, 2, 3]
    assert journal.notes(tmp_path)[0].note == first
    assert verify_log(tmp_path).signed == 3


async def test_sealing_signs_a_last_time_and_takes_the_key_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, 1)
        await log.set_signer(None)
        assert open_checkpoint(latest_checkpoint(tmp_path), journal.keys(tmp_path)).size == 1
        await put(log, 2)
        with pytest.raises(AuditFailed, match="sealed"):
            await log.checkpoint()


async def test_checkpoints_come_by_count(tmp_path: Path) -> None:
    async with opened(tmp_path, Settings(checkpoint_entries=10)) as log:
        await log.set_signer(KEY)
        await put(log, *range(10))
        await log.checkpoint()  # waits for the writer's thread, and finds nothing left to sign
        assert [json.loads(kept.note.split("\n")[1]) for kept in journal.notes(tmp_path)] == [10]


async def test_checkpoints_come_by_time(tmp_path: Path) -> None:
    async with opened(tmp_path, Settings(checkpoint_seconds=0)) as log:
        await log.set_signer(KEY)
        await put(log, 1)
        await asyncio.sleep(0)  # the timer is due at once
        await asyncio.sleep(0)
        await log._ask(lambda: None)  # waits for the writer's thread
        assert open_checkpoint(latest_checkpoint(tmp_path), journal.keys(tmp_path)).size == 1


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    async with opened(tmp_path, Settings(queue_entries=3)) as log:
        for number in range(3):
            log.append(entry(number))
        with pytest.raises(AuditFailed, match="too many"):
            log.append(entry(3))


async def test_who_only_wants_to_be_told_is_told_once_it_is_on_disk(tmp_path: Path) -> None:
    told: list[str] = []

    def faulty(reason: str) -> None:
        raise RuntimeError(reason)

    async with opened(tmp_path) as log:
        reported: list[object] = []
        log._loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        first, second = log.append(entry(0)), log.append(entry(1))
        log.then(first, faulty)
        log.then(second, told.append)
        await log.flushed(second)
        assert told == [""]
        assert [type(error) for error in reported] == [RuntimeError]
        log.then(first, told.append)
        await asyncio.sleep(0)
        assert told == ["", ""]
        log._loop.set_exception_handler(None)
    assert numbers(tmp_path) == [0, 1]


async def test_a_cancelled_waiter_disturbs_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        first, second = log.append(entry(0)), log.append(entry(1))
        waiter = asyncio.ensure_future(log.flushed(first))
        await asyncio.sleep(0)
        waiter.cancel()
        await log.flushed(second)
    assert numbers(tmp_path) == [0, 1]


async def test_lines_longer_than_a_chunk_are_read_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, *range(5))
    reader = Reader(tmp_path, 0)
    found = []
    while lines := reader.read(chunk_bytes=10):
        found += lines
    reader.close()
    assert [json.loads(line)["number"] for line in found] == list(range(5))


async def test_a_reader_says_when_the_log_does_not_go_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, *range(5))
    damage(tmp_path, b'{"seq":2,', b'{"seq":7,')
    with pytest.raises(IntegrityFailure, match="does not go on with entry 2"):
        read_entries(tmp_path, 2, 1)


async def test_a_line_of_any_length_is_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        for size in (10, 20_000, 10, 5_000):
            await log.flushed(log.append(b'{"number":"%s"}' % (b"x" * size)))
    for sequence, size in enumerate((10, 20_000, 10, 5_000)):
        assert len(read_entries(tmp_path, sequence, 1)[0]) == size + 21


def test_a_directory_that_is_not_there_has_no_entries(tmp_path: Path) -> None:
    assert read_entries(tmp_path / "none", 0) == []
