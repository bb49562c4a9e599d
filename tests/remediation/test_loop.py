"""The whole loop through the real commands: a commit with a value of the vault ends in a dead value and a proof."""

import json
import subprocess
from pathlib import Path

import pytest

from strongroom.remediation.deliveries import signature
from strongroom.sensitive import Sensitive
from tests.cli.conftest import Shell
from tests.remediation.receiver import Receiver
from tests.server.process import start

KEY = "a key of the receiver, long enough"
VALUE = "kT7vQ2xLw9ZsB4nRy6HcJ1mD"
TARGET = '{"kind":"generate","secret":"secret/app/db","fields":["password"]}'
pytestmark = [pytest.mark.slow, pytest.mark.component("git")]


def git(repository: Path, *words: str) -> None:
    settings = ("-c", "user.name=Bob", "-c", "user.email=bob@example.com")
    subprocess.run(["git", "-C", repository, *settings, *words], check=True, capture_output=True)


def commit(repository: Path, name: str, text: str) -> None:
    (repository / name).write_text(text, "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "settings")


def test_a_pushed_secret_is_found_replaced_proved_dead_and_recorded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    repository = home / "app"
    repository.mkdir(parents=True)
    git(repository, "init", "-q")
    commit(repository, "README", "nothing here\n")
    settings = tmp_path / "server.toml"
    settings.write_text('[incidents]\noutbound = ["127.0.0.1"]\n', "utf-8")
    options = ("--dev", "--dev-root-token-id", "root", "--config", str(settings))
    with Receiver() as receiver, start(*options) as server:
        sr = Shell(home).to(server)
        sr.ok("kv", "put", "secret/app/db", "password=-", stdin=VALUE)
        sr.ok("rotation", "plan", "write", "app", f"target={TARGET}", "grace=1s")
        sr.ok("write", "incidents/webhooks/oncall", f"url={receiver.url}", "key=-", stdin=KEY)
        sr.ok("kv", "get", "secret/app/db")
        watch = ("watch", repository, "--source", "app", "--once")
        assert "nothing found" in sr.ok(*watch).out
        assert sr.ok(*watch).out == ""
        commit(repository, "conf.txt", f"postgres://app:{VALUE}@db/app\n")
        assert "1 new, incident 1" in sr.ok(*watch).out
        assert sr.ok(*watch).out == ""
        told = receiver.until("contained")
        seconds = told.headers["X-Strongroom-Signature"].partition(",")[0].removeprefix("t=")
        expected = signature(Sensitive(KEY.encode()), told.body, int(seconds))
        assert told.headers["X-Strongroom-Signature"] == expected
        assert VALUE not in told.body.decode()
        assert "1 reported, 0 new" in sr.ok(*watch).out  # the rescan that the incident asks for
        receiver.until("closed")
        shown = sr.ok("incident", "show", "1", "--json").json
        assert {step["outcome"] for step in shown["steps"]} == {"done"}
        assert sr.ok("kv", "get", "--field", "password", "secret/app/db").out != VALUE
        exposure = sr.ok("finding", "exposure", shown["findings"][0], "--json").json["windows"][0]
        assert (exposure["ended_by"], len(exposure["readers"])) == ("proved dead", 1)
        sr.ok("incident", "evidence", "1", "-o", "e.zip")
        again = sr("incident", "evidence", "1", "-o", "e.zip")
        assert (again.code, "e.zip exists" in again.err) == (2, True)
    alone = Shell(home)
    assert "verified: incidents/1" in alone.ok("evidence", "verify", "e.zip").out
    changed = bytearray((home / "e.zip").read_bytes())
    changed[len(changed) // 2] ^= 1
    (home / "e.zip").write_bytes(changed)
    assert alone("evidence", "verify", "e.zip").code == 1


def test_a_report_of_another_tool_becomes_findings(sr: Shell) -> None:
    region = {"startLine": 3, "snippet": {"text": VALUE}}
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": region}}
    run = {"tool": {"driver": {"name": "gitleaks"}}, "results": [{"ruleId": "r", "locations": [place]}]}
    document = json.dumps({"version": "2.1.0", "runs": [run]})
    said = sr.ok("finding", "ingest", "-", "--source", "another", stdin=document).err
    assert said == "1 reported, 1 new\n"
    listed = sr.ok("finding", "list", "--source", "another", "--json").json
    assert listed[0]["place"] == "a.py:3"
    id = listed[0]["id"]
    sr.ok("finding", "ignore", id, "--because", "an example", "--for", "1h")
    assert sr.ok("finding", "show", id, "--field", "state").out == "ignored"
    assert "1 no" not in sr.ok("finding", "sources").out
    assert sr("finding", "ingest", "-", "--source", "x", stdin="{}").code == 2


def test_a_token_that_may_not_report_is_told_so(sr: Shell, limited: Shell) -> None:
    refused = limited("finding", "list")
    assert refused.code == 5
    assert "findings" in refused.err
