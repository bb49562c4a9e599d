"""What each detector adds to the one pass over ordinary source code; the goal is at most 0.15 ns a byte."""

import sysconfig
import time
from pathlib import Path
from typing import Any

import hyperscan

from strongroom.scanner import plan, rules

GOAL = 0.15  # ns a byte
SIZE = 6 << 20


def _corpus() -> bytes:
    """Source code that every Python has."""
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return b"".join(path.read_bytes() for path in paths)[:SIZE]


def _database(expressions: list[str]) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    count = len(expressions)
    texts = [expression.encode() for expression in expressions]
    database.compile(expressions=texts, ids=list(range(count)), elements=count, flags=[0] * count)
    return database


def _costs(sets: list[list[str]], data: bytes, runs: int) -> list[float]:
    """The least of `runs`, in ns a byte, of each set; in turns, so that what else runs slows all alike."""
    databases = [_database(expressions) for expressions in sets]
    least = [float("inf")] * len(sets)
    for _ in range(runs):
        for at, database in enumerate(databases):
            started = time.thread_time()
            database.scan(data, match_event_handler=lambda *_: None)
            least[at] = min(least[at], time.thread_time() - started)
    return [seconds * 1e9 / len(data) for seconds in least]


def main(short: bool) -> None:
    """Measure and print; what looks dear alone is measured beside all others, as it will run."""
    data = _corpus()
    found = rules.builtin()
    made = plan.make(found, [], literals=False)
    (idle,) = _costs([["qzjxvwkq"]], data, 5)
    chosen = [i for i, (what, _) in enumerate(made.targets) if what in (plan.PRECISE, plan.KEYWORD)]
    suspects = [i for i in chosen if _costs([[made.expressions[i]]], data, 2)[0] - idle > GOAL]
    whole = [made.expressions[i] for i in chosen]
    print(f"{len(chosen)} expressions, {len(suspects)} dear alone; beside all others:")
    for suspect in suspects:
        others = [made.expressions[i] for i in chosen if i != suspect]
        together, without = _costs([whole, others], data, 3 if short else 9)
        verdict = "reached" if together - without <= GOAL else "not reached"
        name = found[made.targets[suspect][1][0]].id
        print(f"  {name:<40} {together - without:6.2f} ns a byte  goal {GOAL}: {verdict}")
