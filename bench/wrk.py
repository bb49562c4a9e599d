"""Debian's `wrk`: so many connections ask, as a script in Lua says, for so long."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_REPORT = Path(__file__).parent / "report.lua"
_FOUND = re.compile(r"rate=([\d.]+) p50=([\d.]+) p99=([\d.]+) answers=(\d+) errors=(\d+)")


class Answered(NamedTuple):
    """Requests a second, latencies in milliseconds, and how many answers there were."""

    rate: float
    p50: float
    p99: float
    answers: int


def wrk(script: Path, port: int, clients: int, seconds: int, environment: Mapping[str, str]) -> Answered:
    """One run. Raises RuntimeError when an answer was an error: a failed request is no fast one."""
    options = ["-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
    ran = subprocess.run(
        ["wrk", *options, f"http://127.0.0.1:{port}"],
        env={"REPORT": str(_REPORT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found = _FOUND.search(ran.stdout)
    if found is None or int(found[5]):
        raise RuntimeError(f"errors under load\n{ran.stdout}")
    return Answered(float(found[1]), float(found[2]), float(found[3]), int(found[4]))
