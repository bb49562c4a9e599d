"""kill -9 of a real server at random moments of rotations: each ends with one live credential."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.chaos.vault import Vault, done
from tests.contract.peers import Peer
from tests.rotation.test_crash import BOTH, Server, refused
from tests.rotation.test_database import make_user

pytestmark = pytest.mark.slow
KILLS = 10
ENDED_SECONDS = 90


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def begin(peer: Peer, server: Server) -> None:
    done(peer.call("POST", "sys/mounts/database", {"type": "database"}))
    done(peer.call("POST", "database/config/main", server.config()))
    role = {"db_name": "main", "username": "app_a", "rotation_period": "24h"}
    done(peer.call("POST", "database/static-roles/app", role))
    target = {"kind": "database", "role": "database/static-roles/app"}
    done(peer.call("POST", "rotation/plans/app", {"target": target, "grace": 0, "settle": 0}))


def creds(peer: Peer) -> tuple[str, str]:
    found = done(peer.call("GET", "database/static-creds/app")).body["data"]
    return found["username"], found["password"]


def ended(peer: Peer) -> None:
    """Wait until no rotation is under way."""
    deadline = time.monotonic() + ENDED_SECONDS
    while done(peer.call("GET", "rotation/plans/app")).body["data"]["active_rotation"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("server", BOTH, indirect=True)
def test_killed_again_and_again_one_credential_lives(server: Server, tmp_path: Path) -> None:
    for user in ("app_a", "app_b"):
        make_user(server, user)
    vault = Vault(tmp_path / "data")
    peer = vault.open()
    begin(peer, server)
    dice = random.Random(os.environ.get("STRONGROOM_SEED", "rotation"))
    old = creds(peer)
    interrupted = 0
    for _ in range(KILLS):
        rotation = done(peer.call("POST", "rotation/plans/app/rotate", {})).body["data"]["rotation"]
        time.sleep(dice.uniform(0, 0.12))
        state = done(peer.call("GET", f"rotation/rotations/{rotation}")).body["data"]["state"]
        interrupted += state != "done"
        peer.close()
        vault.kill()
        peer = vault.open()
        ended(peer)
        assert done(peer.call("GET", f"rotation/rotations/{rotation}")).body["data"]["state"] == "done"
        new = creds(peer)
        assert server.logs_in(*new)
        assert refused(server, *old)
        assert server.accounts() == {"app_a", "app_b"}
        old = new
    assert interrupted
    peer.close()
    vault.stop()
