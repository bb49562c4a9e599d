"""The primary killed under sixteen writers, ten times: nothing that was acknowledged is lost."""

import random
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.chaos.vault import done
from tests.chaos.writers import KINDS, Ledger
from tests.cluster.database import paired
from tests.cluster.nodes import Cluster, cluster
from tests.contract.peers import Peer

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

ROUNDS = 10
WRITERS = 16
PATIENCE = 60.0


class Writer(Thread):
    """Writes until told to stop; what is refused during the outage is not acknowledged."""

    def __init__(self, number: int, made: Cluster, stop: Event) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.acknowledged_at = 0.0
        self.failure: BaseException | None = None
        self._number = number
        self._peer = made.peer(number % len(made.nodes))
        self._stop_asked = stop

    def run(self) -> None:
        kind = KINDS[self._number % len(KINDS)]
        name = f"{kind.__name__.replace('_', '-')}-{self._number}"
        turn = 0
        while not self._stop_asked.is_set():
            turn += 1
            try:
                kind(self._peer, self.ledger, name, turn)
            except AssertionError as error:
                if "status=503" not in str(error) and "status=502" not in str(error):
                    self.failure = error
                    return
            else:
                self.acknowledged_at = time.monotonic()
        self._peer.close()


def check(peer: Peer, ledger: Ledger) -> None:
    """Everything one writer was told is there."""
    for name, least in ledger.values.items():
        assert done(peer.call("GET", f"secret/data/{name}")).body["data"]["data"]["v"] >= least
    for name, least in ledger.policies.items():
        text = done(peer.call("GET", f"sys/policies/acl/{name}")).body["data"]["policy"]
        assert int(text.removeprefix("# ")) >= least
    for name, version in ledger.destroyed:
        assert peer.call("GET", f"secret/data/{name}?version={version}").status == 404
    for token in ledger.revoked | ledger.spent:
        assert peer.call("GET", "auth/token/lookup-self", token=token).status == 403


def test_no_acknowledged_write_is_lost_when_the_primary_dies(tmp_path: Path) -> None:
    draw = random.Random(20_261_124)
    with paired() as pair, cluster(tmp_path, pair.url, 3) as (made, peers):
        stop = Event()
        writers = [Writer(number, made, stop) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        times = []
        for _ in range(ROUNDS):
            time.sleep(draw.uniform(0.5, 1.5))
            killed = time.monotonic()
            pair.fail_over()
            times.append(_recovered(writers, killed))
        stop.set()
        for writer in writers:
            writer.join(PATIENCE)
            assert not writer.is_alive()
            assert writer.failure is None
        count = sum(writer.ledger.size for writer in writers)
        print(
            f"{count} acknowledged answers over {ROUNDS} failovers; every node served again after "
            + ", ".join(f"{seconds:.1f}" for seconds in times)
            + " s (with the promotion and the making of a new standby)"
        )
        for writer in writers:
            for peer in peers:
                check(peer, writer.ledger)


def _recovered(writers: list[Writer], killed: float) -> float:
    """Seconds until every writer was acknowledged something that it asked after the kill."""
    since = time.monotonic()
    while min(writer.acknowledged_at for writer in writers) < since:
        assert time.monotonic() - since < PATIENCE, "the cluster did not recover"
        assert all(writer.is_alive() for writer in writers), [str(writer.failure) for writer in writers]
        time.sleep(0.02)
    return time.monotonic() - killed
