"""The primary lost under sixteen writers, and moved on purpose: nothing that was acknowledged is lost.

Patroni decides who is primary, as in an operator's cluster. `python -m bench cluster` does ten rounds.
"""

import time
from pathlib import Path

import pytest

from tests.cluster.failover import load
from tests.cluster.nodes import cluster
from tests.cluster.patroni import patroni

pytestmark = [
    pytest.mark.component("postgresql"),
    pytest.mark.component("patroni"),
    pytest.mark.component("etcd"),
    pytest.mark.slow,
]


def test_no_acknowledged_write_is_lost_when_the_primary_dies_or_moves(tmp_path: Path) -> None:
    with patroni() as hosts, cluster(tmp_path, hosts.url, 3) as (made, peers):
        with load(made) as running:
            running.recovered(time.monotonic())
            times = [running.recovered(hosts.fail_over(host=host)) for host in (False, True)]
            hosts.switch_over()
            times.append(running.recovered(time.monotonic()))
        running.check(peers)
        print(
            f"{running.answers} acknowledged answers, {running.reads} reads on another node than wrote; all "
            f"served again after {times[0]:.1f} s (server killed), {times[1]:.1f} s (host killed, with "
            f"the return of a second one), {times[2]:.1f} s (switchover); refused: {dict(running.refusals)}; "
            f"slowest answer {running.longest:.1f} s"
        )
        assert all(text.startswith("the store ") for text in running.refusals)
