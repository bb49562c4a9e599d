"""Fuzz every target in turn: `python -m tests.fuzz [SECONDS]`, a minute each unless told."""

from __future__ import annotations

import subprocess
import sys

from tests.fuzz.targets import TARGETS

SECONDS = "60"


def main(arguments: list[str]) -> int:
    """Return 0 when every target survived, 1 when some did not; each runs in a process of its own."""
    seconds = arguments[1] if len(arguments) > 1 else SECONDS
    failed = [target for target in TARGETS if not _survives(target, seconds)]
    print("fuzz:", f"failed: {', '.join(failed)}" if failed else f"{len(TARGETS)} targets survived")
    return 1 if failed else 0


def _survives(target: str, seconds: str) -> bool:
    """Whether `target` took random inputs for so long without a crash, a hang or too much memory."""
    command = [sys.executable, "-m", "tests.fuzz.run", target, f"-max_total_time={seconds}"]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
