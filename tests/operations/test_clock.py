"""A real server whose system clock is moved, while it runs and over a stop."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.peers import Peer
from tests.server.process import start

pytestmark = [pytest.mark.slow, pytest.mark.component("faketime")]

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), Path())
JUMPS = {"+1h": 3600.0, "-1h": -3600.0}
JUMPS |= {f"{sign}3652d": timedelta(days=int(f"{sign}3652")).total_seconds() for sign in "+-"}


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says how far the clock of servers is off; the clock that nobody can set stays right."""
    said = tmp_path / "hands"
    move(said, "+0")
    settings = {"NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "TIMESTAMP_FILE": str(said)}
    for name, value in settings.items():
        monkeypatch.setenv(f"FAKETIME_{name}", value)
    monkeypatch.setenv("LD_PRELOAD", str(LIBRARY))
    return said


def move(hands: Path, offset: str) -> None:
    """Set the clock, at once for whoever reads it."""
    fresh = hands.with_suffix(".new")
    fresh.write_text(offset)
    fresh.replace(hands)


def skew_of(peer: Peer) -> float:
    return float(peer.call("GET", "sys/health").body["clock_skew_ms"]) / 1000


def lives(peer: Peer, token: str) -> bool:
    return peer.call("GET", "auth/token/lookup-self", token=token).status == 200


def test_the_clock_of_a_real_server_is_moved(hands: Path, tmp_path: Path) -> None:
    with start("--data", tmp_path / "data") as server:
        peer = Peer(server.port, "")
        made = peer.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).body
        share, peer.token = made["keys"][0], made["root_token"]
        assert peer.call("PUT", "sys/unseal", {"key": share}).status == 200
        fields = {"policies": ["default"], "ttl": "3h"}
        token = peer.call("POST", "auth/token/create", fields).body["auth"]["client_token"]
        for offset, seconds in JUMPS.items():
            move(hands, offset)
            assert abs(skew_of(peer) - seconds) < 600
            assert lives(peer, token)
        move(hands, "+0")
        assert abs(skew_of(peer)) < 600
        peer.close()
        assert server.stop() == 0
    move(hands, "+3652d")
    with start("--data", tmp_path / "data") as server:
        peer = Peer(server.port, "")
        refused = peer.call("PUT", "sys/unseal", {"key": share})
        assert refused.status == 503
        assert "set it right" in refused.body["errors"][0]
        assert peer.call("GET", "sys/health").status == 503
        move(hands, "-3652d")
        assert peer.call("PUT", "sys/unseal", {"key": share}).status == 200
        assert skew_of(peer) < -JUMPS["+3652d"] + 600
        assert lives(peer, token)
        peer.close()
        assert server.stop() == 0
