"""kill -9 of a real server at every step of a playbook: each leak ends contained, and was rotated once."""

import json
import time
from typing import Any

import pytest

from tests.chaos.vault import Vault, done, entries
from tests.cli.conftest import Shell
from tests.contract.peers import Peer
from tests.inventory.planted import value

pytestmark = pytest.mark.slow

STEPS = ("match", "live", "rotate", "notify", "verify_dead", "rescan", "close")
PLAYBOOK = 'title = "A drill"\nmode = "manual"\n' + "".join(f'[[step]]\ndo = "{step}"\n' for step in STEPS)
PATIENCE = 120


def begin(peer: Peer, shell: Shell) -> None:
    """A secret with a plan for each step, all of them leaked; their incidents wait for their start."""
    done(peer.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
    done(peer.call("POST", "incidents/playbooks/vault", {"text": PLAYBOOK}))
    for step in STEPS:
        done(peer.call("POST", f"secret/data/{step}", {"data": {"password": value(step)}}))
        target = {"kind": "generate", "secret": f"secret/{step}", "fields": ["password"]}
        done(peer.call("POST", f"rotation/plans/{step}", {"target": target, "grace": 0, "settle": 0}))
    leaks = "".join(f"{value(step)}\n" for step in STEPS)
    reported = shell("scan", "--report-to-server", "--source", "drill", "-", stdin=leaks)
    assert reported.code == 1, reported.err


def incident(peer: Peer, id: str) -> Any:
    return done(peer.call("GET", f"incidents/{id}")).body["data"]


def ended(shown: Any) -> int:
    """How many steps have an outcome."""
    return sum(bool(step["outcome"]) for step in shown["steps"])


def test_killed_at_every_step_each_leak_is_contained_once(shell: Shell, vault: Vault) -> None:
    peer = vault.open()
    assert vault.server is not None
    begin(peer, shell.to(vault.server, vault.token))
    ids = done(peer.call("LIST", "incidents?state=open")).body["data"]["keys"]
    assert len(ids) == len(STEPS)
    killed_at = set()
    for number, id in enumerate(ids):
        done(peer.call("POST", f"incidents/{id}/run", {}))
        deadline = time.monotonic() + PATIENCE
        while ended(shown := incident(peer, id)) < number:
            assert time.monotonic() < deadline, shown
        killed_at.add(ended(shown))
        peer.close()
        vault.kill()
        peer = vault.open()
    deadline = time.monotonic() + PATIENCE
    while {(shown := incident(peer, id))["state"] for id in ids} != {"closed"}:
        assert time.monotonic() < deadline, json.dumps(shown)
        time.sleep(0.05)
    assert len(killed_at) > 3
    for id in ids:
        shown = incident(peer, id)
        assert tuple(step["step"] for step in shown["steps"] if step["outcome"]) == STEPS
        assert shown["contained"]
        assert [(one["state"], one["new_version"]) for one in shown["rotations"]] == [("over", 2)]
        path = shown["rotations"][0]["plan"]
        assert done(peer.call("GET", f"secret/metadata/{path}")).body["data"]["current_version"] == 2
    peer.close()
    assert vault.stop() == 0
    told = {entry["request"]["path"] for entry in entries(vault.data) if entry["type"] == "event"}
    assert told >= {f"incidents/{id}/steps/{step}" for id in ids for step in STEPS}
