"""Quotas over HTTP: what is refused says when to try again; the requests are OpenBao's, `bao` writes them."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.api.limits import BodyLimits
from tests.contract import peers
from tests.contract.peers import BAO, Peer
from tests.contract.step import Step
from tests.namespaces.beside import unexplained

pytestmark = pytest.mark.slow

RATE = "sys/quotas/rate-limit"
TALK = (
    Step("GET", "sys/quotas/config"),
    Step("POST", "sys/quotas/config", {"enable_rate_limit_audit_logging": True}),
    Step("GET", "sys/quotas/config"),
    Step("POST", "sys/quotas/config", {"rate_limit_exempt_paths": ["sys/health", "kv/x"]}),
    Step("GET", "sys/quotas/config"),
    Step("LIST", RATE),
    Step("GET", f"{RATE}/none"),
    Step("DELETE", f"{RATE}/none"),
    Step("POST", f"{RATE}/all", {"rate": 10000}),
    Step("GET", f"{RATE}/all"),
    Step("POST", "sys/mounts/kv", {"type": "kv"}),
    Step("POST", f"{RATE}/kv", {"rate": 0.5, "interval": "1m", "block_interval": "20s", "path": "kv/"}),
    Step("GET", f"{RATE}/kv"),
    Step("LIST", RATE),
    *(Step("POST", f"{RATE}/odd", body) for body in ({}, {"rate": 0}, {"rate": -1}, {"rate": "x"})),
    Step("POST", f"{RATE}/odd", {"rate": 1, "path": "none/"}),
    Step("POST", f"{RATE}/odd", {"rate": 1, "role": "r"}),
    Step("POST", f"{RATE}/odd", {"rate": 1, "role": "r", "path": "auth/token/"}),
    Step("POST", "sys/auth/approle", {"type": "approle"}),
    Step("POST", "auth/approle/role/r", {}),
    Step("POST", f"{RATE}/role", {"rate": 5, "role": "r", "path": "auth/approle/"}),
    Step("GET", f"{RATE}/role"),
    Step("POST", "sys/namespaces/ns", {}),
    Step("POST", f"{RATE}/ns", {"rate": 5, "path": "ns/", "inheritable": True}),
    Step("GET", f"{RATE}/ns"),
    Step("DELETE", f"{RATE}/ns"),
    Step("GET", f"{RATE}/ns"),
)
ON_PURPOSE = (
    (r"sys/quotas/config", r"rate_limit_exempt_paths", "there is no generate-recovery-token here to exempt"),
    (r"GET sys/quotas/config", r"audit_logging", "a setting that is not named stays as it is"),
    (r"LIST", r"~\.data\.keys", "theirs come in any order"),
    (r"POST sys/namespaces", r"\.id ", "ids are random"),
    (r"GET", r"~\.data\.rate \d", "a rate is a number with decimals"),
)


@pytest.fixture(scope="module")
def ours() -> Iterator[Peer]:
    with peers.strongroom() as peer:
        yield peer


def test_answers_are_openbaos(ours: Peer, tmp_path: Path) -> None:
    differing = unexplained(TALK, ON_PURPOSE, ours, tmp_path)
    assert not differing, "\n".join(differing)


def test_a_refusal_says_when_to_come_back(ours: Peer) -> None:
    ours.call("POST", "sys/mounts/told", {"type": "kv"})
    ours.call("POST", f"{RATE}/told", {"rate": 2, "interval": "1h", "path": "told"})
    ours.call("POST", "sys/quotas/config", {"enable_rate_limit_response_headers": True})
    answers = [ours.call("GET", "told/a") for _ in range(3)]
    assert [answer.status for answer in answers] == [404, 404, 429]
    assert answers[-1].body == {"errors": ["request path is over its rate limit"]}
    assert 1700 < int(answers[-1].headers["retry-after"]) <= 1800
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    ours.call("DELETE", f"{RATE}/told")


def test_bao_writes_and_reads_quotas(ours: Peer, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "BAO_ADDR": ours.url, "BAO_TOKEN": ours.token}

    def bao(*words: str) -> str:
        return subprocess.run(
            [BAO, *words], check=True, env=environment, capture_output=True, text=True
        ).stdout

    bao("write", f"{RATE}/by-bao", "rate=1000", "interval=30s")
    found = json.loads(bao("read", "-format=json", f"{RATE}/by-bao"))["data"]
    assert (found["rate"], found["interval"]) == (1000, 30)
    bao("write", "sys/quotas/lease-count/by-bao", "max_leases=100000")
    assert json.loads(bao("read", "-format=json", "sys/quotas/lease-count/by-bao"))["data"]["counter"] >= 0
    bao("delete", f"{RATE}/by-bao")
    bao("delete", "sys/quotas/lease-count/by-bao")


@pytest.mark.parametrize(
    ("path", "small"),
    [
        (b"/v1/auth/userpass/login/ann", True),
        (b"/v1/team/auth/userpass/login/ann", True),
        (b"/v1/team/in/auth/approle/login/", True),
        (b"/v1/secret/data/login", False),
        (b"/v1/auth/userpass/users/ann", False),
    ],
)
def test_logins_of_any_namespace_have_small_bodies(path: bytes, small: bool) -> None:
    limits = BodyLimits()
    assert limits.of(path, {"x-vault-token": "t"}) == (limits.login if small else limits.whole)
    assert limits.of(path, {}) == limits.login
