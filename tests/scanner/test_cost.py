"""No detector may slow the one pass down: each costs at most 0.15 ns a byte on ordinary source code."""

import sysconfig
import time
from pathlib import Path

import pytest

from strongroom.scanner import plan, rules

hyperscan = pytest.importorskip("hyperscan")

LIMIT = 0.15  # ns a byte
SIZE = 6 << 20


def _corpus() -> bytes:
    """Source code that every Python has."""
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return b"".join(path.read_bytes() for path in paths)[:SIZE]


def _cost(expressions: list[str], data: bytes, runs: int) -> float:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    count = len(expressions)
    texts = [expression.encode() for expression in expressions]
    database.compile(expressions=texts, ids=list(range(count)), elements=count, flags=[0] * count)
    best = float("inf")
    for _ in range(runs):
        started = time.thread_time()
        database.scan(data, match_event_handler=lambda *_: None)
        best = min(best, time.thread_time() - started)
    return best * 1e9 / len(data)


@pytest.mark.slow
def test_no_detector_costs_much() -> None:
    """What looks dear alone is measured beside all others, as it will run."""
    data = _corpus()
    found = rules.builtin()
    made = plan.make(found, [], literals=False)
    least = _cost(["qzjxvwkq"], data, 5)
    chosen = [i for i, (what, _) in enumerate(made.targets) if what in (plan.PRECISE, plan.KEYWORD)]
    suspects = [i for i in chosen if _cost([made.expressions[i]], data, 2) - least > LIMIT]
    together = _cost([made.expressions[i] for i in chosen], data, 9)
    dear = {}
    for suspect in suspects:
        without = _cost([made.expressions[i] for i in chosen if i != suspect], data, 9)
        if together - without > LIMIT:
            dear[found[made.targets[suspect][1][0]].id] = round(together - without, 2)
    assert dear == {}
