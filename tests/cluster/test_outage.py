"""The database gone: nothing is answered from memory, the health says so, and the server still stops."""

from pathlib import Path

import pytest

from tests.chaos.vault import done
from tests.cluster.database import place, prepared
from tests.cluster.nodes import cluster

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


def test_without_the_database_there_is_no_answer(tmp_path: Path) -> None:
    with place() as directory:
        database = prepared(directory)
        database.start()
        try:
            with cluster(tmp_path, database.url, 1) as (made, (peer,)):
                done(peer.call("POST", "secret/data/a", {"data": {"v": 1}}))
                done(peer.call("GET", "secret/data/a"))
                database.stop()
                refused = peer.call("GET", "secret/data/a")
                assert refused.status == 503
                assert refused.body["errors"] == ["the store cannot be reached"]
                assert peer.call("POST", "secret/data/a", {"data": {"v": 2}}).status == 503
                assert peer.call("GET", "sys/health").status == 503
                server = made.nodes[0]
                assert server is not None
                assert server.stop() == 0
        finally:
            database.stop()
