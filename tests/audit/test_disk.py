"""Full and hanging disks: what failed was never there, and the log goes on by itself."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.audit import journal
from strongroom.audit.log import Settings
from strongroom.audit.segments import segments
from strongroom.audit.verify import verify_log
from strongroom.errors import AuditFailed

from .builders import PRIVATE as KEY
from .logs import entry, file_size_limit, numbers, opened, put


async def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, *range(5))
        length = segments(tmp_path)[0].path.stat().st_size
        with file_size_limit(length + 100):
            tickets = [log.append(entry(number)) for number in (100, 101, 102)]
            results = await asyncio.gather(*map(log.flushed, tickets), return_exceptions=True)
            assert [str(result) for result in results] == [
                "the audit entry could not be written: File too large"
            ] * 3
            assert segments(tmp_path)[0].path.stat().st_size == length
            with pytest.raises(AuditFailed):
                await put(log, 103, 104)
        later = await put(log, 5, 6)
        assert later[0] > tickets[-1]
        for ticket in tickets:
            with pytest.raises(AuditFailed):
                await log.flushed(ticket)
        await log.flushed(later[0])
        await log.flushed(0)
    assert numbers(tmp_path) == list(range(7))
    report = verify_log(tmp_path)
    assert (report.entries, report.signed, report.problems) == (7, 7, [])


async def test_entries_that_wait_while_a_batch_fails_are_not_lost(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await put(log, 0)
        with file_size_limit(segments(tmp_path)[0].path.stat().st_size + 1):
            lost = log.append(entry(100))
            failure = asyncio.ensure_future(log.flushed(lost))
            await asyncio.wait([failure])
        assert isinstance(failure.exception(), AuditFailed)
        await put(log, 1)
    assert numbers(tmp_path) == [0, 1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB; needs the right to mount."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.component("root")
async def test_a_full_file_system_refuses_and_recovers_by_itself(small_disk: Path) -> None:
    directory, ballast, kept = small_disk / "audit", small_disk / "ballast", 0
    ballast.write_bytes(b"x" * 60_000)
    async with opened(directory, Settings(segment_bytes=20_000)) as log:
        await log.set_signer(KEY)
        with pytest.raises(AuditFailed, match="No space left"):  # noqa: PT012 - which one fails depends
            for kept in range(5000):
                await put(log, kept)
        ballast.unlink()
        for number in range(kept, kept + 100):
            await put(log, number)
    assert numbers(directory) == list(range(kept + 100))
    assert verify_log(directory).problems == []


async def test_a_disk_that_hangs_refuses_in_bounded_time_and_is_forgiven(tmp_path: Path) -> None:
    """A job that waits holds up the writer's thread, as a write to a hung disk does."""
    async with opened(tmp_path, Settings(patience=0.05)) as log:
        await put(log, 0)
        release = asyncio.Event()
        loop = asyncio.get_running_loop()
        log._jobs.put(lambda: asyncio.run_coroutine_threadsafe(release.wait(), loop).result() and None)
        ticket = log.append(entry(1))
        with pytest.raises(AuditFailed, match="not answered"):
            await log.flushed(ticket)
        with pytest.raises(AuditFailed, match="not answered"):
            log.append(entry(2))
        told: asyncio.Future[str] = loop.create_future()
        log.then(ticket, told.set_result)
        assert "not answered" in await told
        release.set()
        await log.grown(1)
        await put(log, 3)
    assert numbers(tmp_path) == [0, 1, 3]


async def test_a_checkpoint_that_finds_no_room_comes_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.set_signer(KEY)
        await put(log, 1)
        await log.checkpoint()
        await put(log, 2)
        before = (tmp_path / journal.NOTES).read_bytes()
        with file_size_limit(len(before) + 10):
            with pytest.raises(AuditFailed, match="checkpoint could not be written: File too large"):
                await log.checkpoint()
            assert (tmp_path / journal.NOTES).read_bytes() == before
        await log.checkpoint()
    assert verify_log(tmp_path).signed == 2


async def test_hashes_that_find_no_room_are_saved_later(tmp_path: Path) -> None:
    """The tree file is longer than the limit, the segment is not: entries go on, the tree follows."""
    settings = Settings(segment_bytes=1500)
    async with opened(tmp_path, settings) as log:
        for number in range(0, 400, 10):
            await put(log, *range(number, number + 10))
        size = (tmp_path / "tree" / "0").stat().st_size
        with file_size_limit(size):
            await put(log, 400)
            await put(log, 401)
            await log.set_signer(None)  # waits for the writer's thread
            assert (tmp_path / "tree" / "0").stat().st_size == size
    assert (tmp_path / "tree" / "0").stat().st_size == 402 * 32
    assert verify_log(tmp_path).problems == []
