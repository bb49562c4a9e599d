"""`strongroom scan` and `strongroom detectors` as people and pipelines see them."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom import cli
from strongroom.cli import scan_options
from strongroom.scanner import examples

TOKEN = examples.draw("<checksum:github:ghp_>", "cli")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_CACHE", str(tmp_path_factory.getbasetemp() / "cli-cache"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def leak(tmp_path: Path) -> Path:
    (tmp_path / "app.env").write_text(f"A=1\nGITHUB_TOKEN={TOKEN}\n")
    return tmp_path


def test_a_finding_is_masked_and_exits_with_one(leak: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scan", str(leak)]) == 1
    out, err = capsys.readouterr()
    assert f"{leak}/app.env:2:14" in out
    assert TOKEN not in out + err
    assert "1 file, 0 MB" in err
    assert "1 secret\n" in err


def test_nothing_found_exits_with_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("nothing here\n")
    assert cli.main(["scan", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""


def test_json_holds_every_place_and_no_secret(leak: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scan", str(leak), "--format", "json"]) == 1
    out = capsys.readouterr().out
    document = json.loads(out)
    (finding,) = document["findings"]
    assert finding["detector"] == "github.personal_access_token"
    assert finding["occurrences"][0]["line"] == 2
    assert document["scanned"]["files"] == 1
    assert TOKEN not in out


def test_secrets_are_shown_when_asked_for(leak: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["scan", str(leak), "--format", "jsonl", "--show-secrets"])
    assert json.loads(capsys.readouterr().out)["secret"] == TOKEN


def test_the_report_file_is_the_users_own(leak: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert cli.main(["scan", str(leak / "app.env"), "-f", "json", "-o", str(out), "--exit-zero"]) == 0
    assert json.loads(out.read_text())["findings"]
    assert out.stat().st_mode & 0o777 == 0o600


def test_standard_input_is_scanned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"x\ny {TOKEN}\n".encode())))
    assert cli.main(["scan", "-"]) == 1
    assert "<stdin>:2:3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scna"], "id you mean `scan`?"),
        (["scan", "/nowhere/at/all"], "/nowhere/at/all: No such file"),
        (["scan", "-", "."], "alone"),
        (["scan", "/dev/null"], "`strongroom scan -` reads standard input"),
        (["scan", "absent", "-o", "no/folder/x"], "no/folder/x: its folder is missing"),
        (["scan", "--staged"], ". is not in a git repository"),
        (["scan", "--image", "app.tar"], "app.tar: no such file"),
        (["scan", ".", "--history", "--staged"], "exclude each other"),
        (["scan", ".", "--format", "xls"], "unknown format `xls`"),
        (["scan", ".", "--rules-url", "https://x.example/r"], "--rules-sha256"),
        (
            ["detectors", "show", "github.personal_acces_token"],
            "did you mean `github.personal_access_token`?",
        ),
    ],
)
def test_wrong_usage_exits_with_two_and_says_why(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err


def test_what_could_steer_a_terminal_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_text(f"\x1b]0;owned\x07 {TOKEN} \x1b[2J\n")
    cli.main(["scan", str(tmp_path)])
    assert "\x1b" not in capsys.readouterr().out


def test_explain_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["detectors", "explain", f"a {TOKEN} b AKIAIOSFODNN7EXAMPLE"]) == 0
    out = capsys.readouterr().out
    assert "reported  github.personal_access_token" in out
    assert "not reported  aws.access_key_id" in out
    assert TOKEN not in out


def test_list_and_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["detectors", "list", "--json", "--kind", "precise"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {d["kind"] for d in listed} == {"precise"}
    assert cli.main(["detectors", "show", "github.personal_access_token", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checksum"] == "github"


def test_a_users_detector_is_tested_against_its_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
[[detector]]
id = "acme.key"
name = "Acme key"
pattern = '\\b(acme_[0-9a-f]{24})\\b'
keywords = ["acme_"]
confidence = "high"
severity = "high"
advice = "Revoke it."
matches = ["a=acme_<hex:24>", "b: acme_<hex:24>"]
non_matches = ["acme_<hex:23>", "LAST"]
"""
    (tmp_path / "good.toml").write_text(text.replace("LAST", "xacme_<hex:24>"))
    (tmp_path / "bad.toml").write_text(text.replace("LAST", "x acme_<hex:24>"))
    assert cli.main(["detectors", "test", str(tmp_path / "good.toml")]) == 0
    assert cli.main(["detectors", "test", str(tmp_path / "bad.toml")]) == 1
    assert "acme.key: fires on the non-match 'x acme_<hex:24>'" in capsys.readouterr().out


@pytest.mark.slow
def test_it_runs_as_a_module_and_as_a_pipe_that_closes_early(leak: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "strongroom", "scan", str(leak)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    help_text = subprocess.run(
        [sys.executable, "-m", "strongroom", "--help"], capture_output=True, text=True, check=True
    )
    assert "scan" in help_text.stdout


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-",
        "a b --history",
        "--staged --show-secrets --format json -o out.json",
        ". --format=sarif --output=out.sarif -q",
        "--range A..B --range C..D --exclude *.md x",
        "-f csv --baseline one.json --baseline=two.json --since 2026-01-01",
    ],
)
def test_usual_arguments_are_read_as_the_parser_reads_them(line: str) -> None:
    read = scan_options.plain(line.split())
    assert read is not None
    assert vars(read) == vars(cli.parser("scan").parse_args(line.split()))


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "--jobs 2",
        "--redact",
        "--format",
        "-o -",
        "-format=json",
        "--output=",
        "--staged=yes",
        "--no_inline",
        "--paths a",
        "--stagd",
        "-- a",
        "-ox",
    ],
)
def test_other_arguments_are_left_to_the_parser(line: str) -> None:
    assert scan_options.plain(line.split()) is None
