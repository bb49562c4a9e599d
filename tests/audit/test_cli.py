"""`strongroom audit` on a data directory and against a server."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from strongroom.audit import evidence, journal
from strongroom.cli import main
from strongroom.cli.audit_line import render

from .builders import KEY, edit, make_log


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    make_log(directory / "audit")
    return directory


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_ADDR", "BAO_ADDR", "VAULT_TOKEN", "BAO_TOKEN", "VAULT_CACERT", "VAULT_SKIP_VERIFY"):
        monkeypatch.delenv(name, raising=False)


def tamper(directory: Path, target: Path) -> Path:
    shutil.copytree(directory, target)
    edit(target / "audit", 15, lambda lines, at: lines.__setitem__(at, lines[at].replace(b"user", b"ruse")))
    return target


def test_an_honest_log_verifies(pristine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--data", str(pristine), "--key", str(KEY)]) == 0
    said = capsys.readouterr()
    assert "60 entries in 4 segments, 6 signed checkpoints by strongroom/audit/" in said.out
    assert said.out.endswith("verified; 0 entries came after the last checkpoint\n")
    assert said.err == ""


def test_the_key_beside_the_log_is_used_with_a_note(
    pristine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", "--data", str(pristine / "audit")]) == 0
    assert "pass --key with a copy kept elsewhere" in capsys.readouterr().err


def test_a_changed_entry_is_named_and_exits_1(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tamper(pristine, tmp_path / "data")
    assert main(["audit", "verify", "--data", str(log), "--key", str(KEY)]) == 1
    assert "  entry 15 is changed" in capsys.readouterr().out
    assert main(["audit", "verify", "--data", str(log), "--key", str(KEY), "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["verified"] is False
    assert [problem["seq"] for problem in value["problems"]] == [15]
    assert main(["audit", "prove", "15", "--data", str(log)]) == 1


def test_a_log_that_the_key_signed_nothing_in_is_not_verified(pristine: Path, tmp_path: Path) -> None:
    shutil.copytree(pristine, tmp_path / "data")
    (tmp_path / "data" / "audit" / journal.NOTES).unlink()
    assert main(["audit", "verify", "--data", str(tmp_path / "data"), "--key", str(KEY)]) == 1


def test_a_proof_file_is_made_and_checked(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof, key = tmp_path / "p.json", tmp_path / "key"
    key.write_text(f"{KEY}\n")
    assert main(["audit", "prove", "17", "--data", str(pristine), "-o", str(proof)]) == 0
    assert main(["audit", "verify", "--proof", str(proof), "--key", str(key)]) == 0
    said = capsys.readouterr().out
    assert "verified: entry 17 is in the log of 60 entries" in said
    assert "secret/data/app-17 by user-2 from 192.0.2.7" in said
    assert main(["audit", "prove", "17", "--data", str(pristine)]) == 0
    assert capsys.readouterr().out == proof.read_text()
    proof.write_bytes(proof.read_bytes().replace(b"app-17", b"app-71"))
    assert main(["audit", "verify", "--proof", str(proof), "--key", str(key)]) == 1
    assert "NOT verified" in capsys.readouterr().err


def test_growth_is_proved_against_a_kept_checkpoint(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, proof = tmp_path / "kept", tmp_path / "p.json"
    kept.write_text(journal.notes(pristine / "audit")[1].note)
    assert main(["audit", "prove", "--since", str(kept), "--data", str(pristine), "-o", str(proof)]) == 0
    assert main(["audit", "verify", "--proof", str(proof), "--key", str(KEY)]) == 0
    assert "the log of 60 entries extends the older checkpoint" in capsys.readouterr().out
    arguments = ["audit", "verify", "--data", str(pristine), "--key", str(KEY), "--checkpoint", str(kept)]
    assert main(arguments) == 0


def test_the_latest_checkpoint_is_printed(pristine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "checkpoint", "--data", str(pristine)]) == 0
    assert capsys.readouterr().out == evidence.latest_checkpoint(pristine / "audit")


def test_tail_shows_and_filters(pristine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "tail", "--data", str(pristine), "-n", "3"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [int(row.split()[0]) for row in rows] == [57, 58, 59]
    assert rows[0].split()[1:4] == ["2026-01-02T03:04:05.6Z", "response", "read"]
    filters = [
        "--filter",
        "path=secret/*-1?",
        "--filter",
        "type=request",
        "--filter",
        "auth.policies=*default*",
    ]
    assert main(["audit", "tail", "--data", str(pristine), "-n", "60", "--json", *filters]) == 0
    found = [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()]
    assert found == [10, 12, 14, 16, 18]
    assert main(["audit", "tail", "--data", str(pristine), "-n", "2", "--json", *filters]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [16, 18]
    assert main(["audit", "tail", "--data", str(pristine), "--filter", "user=nobody"]) == 1


def test_what_an_entry_says_cannot_drive_the_terminal(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(pristine, tmp_path / "data")
    edit(
        tmp_path / "data" / "audit",
        59,
        lambda lines, at: lines.__setitem__(at, b'{"seq":59,"type":"\\u001b[2J"}\n'),
    )
    assert main(["audit", "tail", "--data", str(tmp_path / "data"), "-n", "1"]) == 0
    assert "\\x1b[2J" in capsys.readouterr().out


@pytest.mark.slow
def test_tail_follows_a_growing_log(pristine: Path, tmp_path: Path) -> None:
    shutil.copytree(pristine, tmp_path / "data")
    program = [sys.executable, "-c", "from strongroom.cli import main; main()"]
    command = [*program, "audit", "tail", "-f", "--data", str(tmp_path / "data"), "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().split()[0] == "59"
        path = max((tmp_path / "data" / "audit").glob("0*.jsonl"))
        with path.open("a") as file:
            file.write('{"seq":60,"type":"request"}\n')
        assert child.stdout.readline().split()[:2] == ["60", "request"]
        child.kill()


@pytest.mark.parametrize(
    "arguments",
    [
        ["checkpoint"],
        ["verify"],
        ["verify", "--proof", "p"],
        ["verify", "--data", "/nowhere"],
        ["verify", "--data", ".", "--key", "nonsense"],
        ["tail", "--data", ".", "--filter", "x"],
        ["prove", "0", "--data", "."],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *arguments]) == 2


class Routes(BaseHTTPRequestHandler):
    """The `sys/audit-log` routes as the command expects them."""

    log: ClassVar[Path]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.headers["X-Vault-Token"] != "root":
            self._answer(403, b'{"errors":["permission denied"]}')
        elif url.path == "/v1/sys/audit-log/checkpoint":
            note = json.dumps(evidence.latest_checkpoint(self.log))
            self._answer(200, b'{"data":{"checkpoint":%b}}' % note.encode())
        elif url.path.startswith("/v1/sys/audit-log/proof/"):
            self._proof(int(url.path.rpartition("/")[2]))
        else:
            query = parse_qs(url.query)
            lines = evidence.read_entries(self.log, int(query["start"][0]), int(query["limit"][0]))
            body = b'{"request_id":"x","data":{"entries":[%b]}}' % b",".join(lines)
            self._answer(200 if lines else 404, body)

    def do_POST(self) -> None:
        old = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["old"]
        self._answer(200, evidence.encode_proof(evidence.prove_consistency(self.log, old)))

    def _proof(self, sequence: int) -> None:
        if sequence >= 60:
            self._answer(404, b'{"errors":[]}')
        else:
            self._answer(200, evidence.encode_proof(evidence.prove_inclusion(self.log, sequence)))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def address(pristine: Path) -> Iterator[str]:
    Routes.log = pristine / "audit"
    with ThreadingHTTPServer(("127.0.0.1", 0), Routes) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_server_gives_the_same_evidence(
    address: str,
    pristine: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAULT_ADDR", address)
    monkeypatch.setenv("VAULT_TOKEN", "root")
    kept = tmp_path / "kept"
    kept.write_text(journal.notes(pristine / "audit")[1].note)
    questions = (
        ["checkpoint"],
        ["prove", "17"],
        ["prove", "--since", str(kept)],
        ["tail", "-n", "5"],
        ["tail", "-n", "60", "--json"],
    )
    for arguments in questions:
        assert main(["audit", *arguments]) == 0
        online = capsys.readouterr().out
        assert main(["audit", *arguments, "--data", str(pristine)]) == 0
        assert capsys.readouterr().out == online
    assert main(["audit", "prove", "60"]) == 2


def test_a_server_that_refuses_or_is_not_there_has_its_exit_code(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["audit", "checkpoint", "--address", address]) == 3
    assert "Log in: strongroom login" in capsys.readouterr().err
    (tmp_path / ".vault-token").write_text("other\n")
    assert main(["audit", "checkpoint", "--address", address]) == 5
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "strongroom: the token may not use sys/audit-log/checkpoint"
    assert said[2].endswith('path "sys/audit-log/checkpoint" { capabilities = ["read"] }')
    (tmp_path / ".vault-token").write_text("root\n")
    assert main(["audit", "checkpoint", "--address", address]) == 0
    assert main(["audit", "checkpoint", "--address", "http://127.0.0.1:1"]) == 4
    assert os.environ.get("VAULT_TOKEN") is None


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"what\x1b[2J", "what\\x1b[2J"),
        (b"[1]", "[1]"),
        (b'{"seq":3,"request":[1]}', "       3"),
        (b'{"seq":3,"error":"x"}', "FAILED: x"),
    ],
)
def test_any_line_can_be_shown(line: bytes, row: str) -> None:
    assert row in render(line)


@pytest.mark.parametrize(
    ("status", "body", "code"), [(500, b"", 4), (200, b"<html>", 4), (200, b'{"data":{}}', 4)]
)
def test_an_odd_answer_is_said_to_be_odd(
    address: str, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, code: int
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "root")
    monkeypatch.setattr(Routes, "do_GET", lambda self: self._answer(status, body))
    assert main(["audit", "checkpoint", "--address", address]) == code
