"""Killing the writer: what was acknowledged stays."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from strongroom.audit.evidence import read_entries
from strongroom.audit.verify import verify_log

from .logs import numbers

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
