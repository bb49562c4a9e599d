"""A store with no, a hundred and a thousand namespaces: start-up, memory, creation, and a read inside one."""

import subprocess
import sys
import tempfile
from pathlib import Path


def main(short: bool) -> None:
    """Measure and print."""
    counts = (0, 100) if short else (0, 100, 1000)
    print(
        "namespaces   to unsealed   resident   each in use adds   creating one   read in one   read in root"
    )
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            key = _step("fill", place, count, max(counts))
            created = float(key.pop())
            start, resident, touched, inside, outside = map(float, _step("serve", place, count, *key))
            print(
                f"{count:>10}   {start * 1e3:>8.0f} ms   {resident / 2**20:>4.1f} MiB"
                f"   {touched / max(count, 1) / 2**10:>12.1f} KiB   {created * 1e3:>9.1f} ms"
                f"   {inside * 1e6:>8.0f} µs   {outside * 1e6:>9.0f} µs"
            )


def _step(*words: str | int | Path) -> list[str]:
    """Run a part in a process of its own, so that memory is measured from the start."""
    command = [sys.executable, "-m", "bench.namespaces.parts", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
