"""The log on disk: what is acknowledged stays, what failed was never there."""

import asyncio
import json
import os
import resource
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.audit import journal
from strongroom.audit.checkpoint import open_checkpoint
from strongroom.audit.evidence import latest_checkpoint, prove_inclusion, read_entries
from strongroom.audit.log import Log, Settings
from strongroom.audit.segments import Reader, segments
from strongroom.audit.tree import leaf_hash
from strongroom.audit.verify import verify_log
from strongroom.clock import FakeClock
from strongroom.errors import AuditFailed, IntegrityFailure

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SMALL = Settings(segment_bytes=2000)


def entry(number: int) -> bytes:
    return json.dumps({"time": "2026-01-01T00:00:00Z", "type": "request", "number": number}).encode()


@asynccontextmanager
async def opened(directory: Path, settings: Settings | None = None) -> AsyncIterator[Log]:
    log = await Log.open(directory, FakeClock(), settings)
    try:
        yield log
    finally:
        await log.close()


async def put(log: Log, *numbers: int) -> list[int]:
    tickets = [log.append(entry(number)) for number in numbers]
    await asyncio.gather(*map(log.flushed, tickets))
    return tickets


@contextmanager
def file_size_limit(limit_bytes: int) -> Iterator[None]:
    """Makes writes beyond an offset fail, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def numbers(directory: Path) -> list[int]:
    return [json.loads(line)["number"] for line in read_entries(directory, 0, 1_000_000)]


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


@pytest.mark.component("tmpfs")
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
        release.set()
        await log.grown(1)
        await put(log, 3)
    assert numbers(tmp_path) == [0, 1, 3]


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    async with opened(tmp_path, Settings(queue_entries=3)) as log:
        for number in range(3):
            log.append(entry(number))
        with pytest.raises(AuditFailed, match="too many"):
            log.append(entry(3))


async def test_a_cancelled_waiter_disturbs_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        first, second = log.append(entry(0)), log.append(entry(1))
        waiter = asyncio.ensure_future(log.flushed(first))
        await asyncio.sleep(0)
        waiter.cancel()
        await log.flushed(second)
    assert numbers(tmp_path) == [0, 1]


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


def damage(directory: Path, old: bytes, new: bytes) -> None:
    path = segments(directory)[-1].path
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


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


CHILD = """
    import asyncio, os, sys
    from pathlib import Path
    from strongroom.audit.log import Log, Settings
    from strongroom.clock import SystemClock

    async def client(log, name):
        for number in range(1_000_000):
            name_of = b"%s-%d-%d" % (sys.argv[2].encode(), name, number)
            await log.flushed(log.append(b'{"number":"%s"}' % name_of))
            os.write(1, name_of + b"\\n")

    async def main():
        log = await Log.open(Path(sys.argv[1]), SystemClock(), Settings(segment_bytes=20_000))
        await asyncio.gather(*(client(log, name) for name in range(8)))

    asyncio.run(main())
"""


@pytest.mark.slow
def test_a_killed_writer_keeps_every_acknowledged_entry(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for life in range(5):
        program = [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path), str(life)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            acknowledged.update(child.stdout.readline().strip() for _ in range(500 + 97 * life))
            child.kill()
            acknowledged.update(child.stdout.read().split())
    report = verify_log(tmp_path)
    found = [str(number) for number in numbers(tmp_path)]
    assert report.problems == []
    assert len(acknowledged) > 2500
    assert acknowledged <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(("call", "number", "acknowledged"), [("fdatasync", 3, 16), ("fsync", 1, 0)])
def test_a_failed_sync_ends_the_process(tmp_path: Path, call: str, number: int, acknowledged: int) -> None:
    shim = f"""
        import errno, os, runpy, sys
        real, calls = os.{call}, []

        def sync(file):
            calls.append(file)
            if len(calls) == {number}:
                raise OSError(errno.EIO, "Input/output error")
            real(file)

        os.{call} = sync
    """
    program = textwrap.dedent(shim) + textwrap.dedent(CHILD)
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), "0"], capture_output=True, timeout=30, check=False
    )
    assert ended.returncode == os.EX_IOERR
    assert b"could not be synced to disk (Input/output error); stopping" in ended.stderr
    assert len(ended.stdout.splitlines()) == acknowledged
    assert len(read_entries(tmp_path, 0)) >= acknowledged
