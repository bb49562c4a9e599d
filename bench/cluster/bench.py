"""Three nodes over a primary and a synchronous standby under Patroni: how long a loss of the primary takes.

Sixteen writers go on meanwhile. At the end everything that was acknowledged must be there, and no read on
another node than the one that wrote may have been stale: a violation ends the run with an error.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

from tests.cluster.failover import WRITERS, load
from tests.cluster.nodes import cluster
from tests.cluster.patroni import TTL, patroni

ROUNDS = 10
READS = 1500


def main(short: bool) -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {"server killed": [], "host killed": [], "switchover": []}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as place,
        patroni() as hosts,
        cluster(Path(place), hosts.url, 3) as (made, peers),
    ):
        with load(made) as running:
            running.recovered(time.monotonic())
            for number in range(2 if short else ROUNDS):
                host = bool(number % 2)
                kind = "host killed" if host else "server killed"
                times[kind].append(running.recovered(hosts.fail_over(host=host)))
            for _ in range(1 if short else 3):
                hosts.switch_over()
                times["switchover"].append(running.recovered(time.monotonic()))
            while running.reads < READS:
                time.sleep(0.1)
        running.check(peers)
    print(f"  {WRITERS} writers on three nodes: {running.answers:,} acknowledged answers, none lost")
    print(f"  {running.reads:,} reads on another node than the one that wrote, none stale")
    print(f"  seconds until every writer was served again (a dead host is noticed after {TTL} s):")
    for kind, measured in times.items():
        each = ", ".join(f"{seconds:.1f}" for seconds in measured)
        print(f"    {kind:<16}{median(measured):>6.1f}   ({each})")
    print(f"  slowest answer {running.longest:.1f} s; {running.refusals.total()} requests refused with 503")
