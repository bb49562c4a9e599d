"""The inventory: what watching reads costs; and scans for what a vault holds beside scans without one."""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.inventory import reads
from bench.inventory.values import fill
from bench.vault.servers import Strongroom

PORT = 18341
VALUES = 100_000
GOAL = 1.3
BUDGET_US = 105  # design: a full-featured read within 1.5 times of 70 µs
KNOWN = "strongroom.known_value"


def main(short: bool) -> None:
    """Measure and print."""
    without, watched = reads.measure(5_000 if short else 20_000)
    print(
        f"a read through the door: {without:.1f} µs of CPU, with tracking {watched:.1f} µs "
        f"(+{watched - without:.1f} µs; goal: at most {BUDGET_US} µs)"
    )
    count = VALUES // 20 if short else VALUES
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as place,
        Strongroom(Path(place) / "data", PORT) as server,
    ):
        before, began = server.resident_bytes(), time.perf_counter()
        searchable = fill(server, count)
        grown = (server.resident_bytes() - before) / 2**20
        print(
            f"{count:,} values stored and indexed in {time.perf_counter() - began:.0f} s, "
            f"{searchable:,} of them searched for; {grown:.0f} MiB more resident, "
            f"{server.peak_bytes() / 2**20:.0f} MiB at most"
        )
        _compare(server, Path(sysconfig.get_paths()["purelib"]), 1 if short else 3)
        for folder in () if short else (sys.prefix, "/usr"):
            _sweep(server, folder)


def _compare(server: Strongroom, folder: Path, rounds: int) -> None:
    """The same scan with and without the vault's values, in turns."""
    plain, known = [], []
    for _ in range(rounds):
        plain.append(_scan(server, folder)[0])
        known.append(_scan(server, folder, "--server")[0])
    ratio = median(known) / median(plain)
    print(
        f"scanning {folder.name}: {median(plain):.1f} s of CPU, with the vault's values "
        f"{median(known):.1f} s: {ratio:.2f} times (goal: {GOAL} times)"
    )


def _sweep(server: Strongroom, folder: str) -> None:
    """No value of the vault is in a system's own files: each one that is found would be wrong."""
    windows = _windows(server)
    seconds, report = _scan(server, Path(folder), "--server")
    wrong = sum(found["detector"] == KNOWN for found in report["findings"])
    size = report["scanned"]["bytes"] / 2**30
    print(
        f"{folder}: {size:.1f} GiB in {seconds:.0f} s of CPU, "
        f"{_windows(server) - windows:,} windows evaluated, {wrong} false positives"
    )


def _scan(server: Strongroom, folder: Path, *options: str) -> tuple[float, dict[str, Any]]:
    """Seconds of CPU, all processes together, and the report."""
    command = [sys.executable, "-m", "strongroom", "scan", "--format", "json", *options, str(folder)]
    address = {"STRONGROOM_ADDR": f"http://127.0.0.1:{server.port}", "STRONGROOM_TOKEN": server.token}
    before = os.times()
    ran = subprocess.run(command, capture_output=True, env={**os.environ, **address}, check=False)
    after = os.times()
    if ran.returncode not in (0, 1):
        raise RuntimeError(ran.stderr.decode())
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, json.loads(ran.stdout)


def _windows(server: Strongroom) -> int:
    """How many windows the server has evaluated in this hour."""
    evaluated: int = server.call("GET", "inventory/fingerprints")["data"]["windows_evaluated_this_hour"]
    return evaluated
