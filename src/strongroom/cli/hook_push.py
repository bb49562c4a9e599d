"""`strongroom hook pre-push`: scans what a push would bring that no remote has yet.

Under pre-commit there is no standard input; it names the range in the environment.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from strongroom.cli import hook, scan
from strongroom.scanner.sources.pushes import pre_push_ranges


def pre_push(args: Any) -> int:
    """Scan the commits that git, or pre-commit, is about to push."""
    ranges = _ranges()
    if not ranges:
        return scan.CLEAN
    args.range = ranges
    return hook.settle(args, scan.run(args, terse=True))


def _ranges() -> list[str]:
    first, last = (os.environ.get(f"PRE_COMMIT_{name}_REF", "") for name in ("FROM", "TO"))
    if last:
        return [last, f"^?{first}"] if first.strip("0") else [last, "--not --remotes"]
    if sys.stdin.isatty() or "PRE_COMMIT" in os.environ:
        return ["HEAD", "--not --remotes"]
    return pre_push_ranges(sys.stdin)
