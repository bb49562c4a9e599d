"""`kill -9` under sixteen concurrent writers, ten times: nothing that was acknowledged is lost."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.vault import Vault, done, entries
from tests.chaos.writers import WRITERS, Ledger, check, write_until_death

pytestmark = pytest.mark.slow

ROUNDS = 10
ENOUGH = (40, 160)  # answers before the kill, drawn from a seed


def test_no_acknowledged_change_is_lost(tmp_path: Path) -> None:
    draw, vault = random.Random(20_261_124), Vault(tmp_path)
    ledgers = [Ledger() for _ in range(WRITERS)]
    peer = vault.open()
    done(peer.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
    for _ in range(ROUNDS):
        write_until_death(peer.port, vault.token, ledgers, draw.randint(*ENOUGH), vault.kill)
        peer.close()
        peer = vault.open()
        for ledger in ledgers:
            check(peer, ledger)
    peer.close()
    assert vault.stop() == 0
    acknowledged = set().union(*(ledger.requests for ledger in ledgers))
    assert len(acknowledged) >= ROUNDS * ENOUGH[0]
    answered = {entry["request"]["id"] for entry in entries(tmp_path) if entry["type"] == "response"}
    assert not acknowledged - answered
    command = [sys.executable, "-m", "strongroom", "audit", "verify", "--data", str(tmp_path)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
