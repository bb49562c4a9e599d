"""`strongroom ignore`, `strongroom baseline` and the scan's options, through the command line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom import cli
from strongroom.scanner.suppress import ignorefile

Token = Callable[[str], str]


@pytest.fixture
def repo(tree: Path, token: Token, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one secret, current."""
    subprocess.run(["git", "init", "-q", tree], check=True)
    subprocess.run(["git", "-C", tree, "config", "user.email", "ana@example.com"], check=True)
    (tree / "a.env").write_text(f"TOKEN={token('one')}\n")
    monkeypatch.chdir(tree)
    return tree


def test_the_last_found_is_ignored_with_reason_owner_and_end(
    repo: Path, token: Token, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["scan", "."]) == 1
    assert cli.main(["ignore", "--last-found", "--reason", "a sample", "--expires", "2999-12-31"]) == 0
    (entry,) = ignorefile.read(str(repo / ignorefile.NAME))
    assert (entry.reason, entry.owner, entry.expires) == ("a sample", "ana@example.com", "2999-12-31")
    assert cli.main(["scan", "."]) == 0
    assert "0 secrets, 1 suppressed" in capsys.readouterr().err
    assert cli.main(["scan", ".", "--no-suppression"]) == 1
    (repo / "a.env").write_text(f"TOKEN={token('two')}\n")
    assert cli.main(["scan", "."]) == 1, "another secret in the same place"


def test_one_of_several_is_ignored_by_the_beginning_of_its_fingerprint(
    repo: Path, token: Token, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "b.env").write_text(f"TOKEN={token('two')}\n")
    cli.main(["scan", ".", "--format", "jsonl"])
    prints = [json.loads(line)["fingerprint"] for line in capsys.readouterr().out.splitlines()]
    assert cli.main(["ignore", prints[0][:12], "--reason", "known"]) == 0
    assert cli.main(["ignore", "0123456789ab", "--reason", "unknown"]) == 2
    assert cli.main(["ignore", "--list"]) == 0
    assert prints[0] in capsys.readouterr().out
    assert cli.main(["scan", "."]) == 1


@pytest.mark.parametrize(
    "given",
    [
        ["ignore", "--last-found"],
        ["ignore", "--reason", "r"],
        ["ignore", "a" * 32, "--reason", "r", "--expires", "soon"],
        ["scan", ".", "--ignore-file", "absent.toml"],
        ["scan", ".", "--baseline", "absent.json"],
    ],
)
@pytest.mark.usefixtures("repo")
def test_wrong_usage_exits_with_two(given: list[str]) -> None:
    assert cli.main(given) == 2


def test_a_baseline_is_made_used_audited_and_brought_up_to_date(
    repo: Path, token: Token, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["baseline", "create", "."]) == 0
    file = repo / ".strongroom-baseline.json"
    assert token("one") not in file.read_text()
    assert cli.main(["scan", ".", "--baseline", str(file)]) == 0
    (repo / "b.env").write_text(f"TOKEN={token('two')}\n")
    assert cli.main(["scan", ".", "--baseline", str(file)]) == 1
    name = json.loads(file.read_text())["findings"][0]["fingerprint"]
    assert cli.main(["baseline", "audit", "--set", f"{name[:8]}=false_positive", "--note", "docs"]) == 0
    assert cli.main(["baseline", "audit"]) == 2, "nobody to ask"
    assert cli.main(["baseline", "update", "."]) == 0
    assert "2 known, 1 new, 0 gone" in capsys.readouterr().err
    assert cli.main(["baseline", "audit", "--list"]) == 0
    out = capsys.readouterr().out
    assert f"{name}  false_positive" in out
    assert out.count("unreviewed") == 1


def test_redact_before_a_path_leaves_the_path_alone(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scan", "--redact", "a.env"]) == 1
    assert "TOKEN=••••\n" in capsys.readouterr().out
    assert cli.main(["scan", ".", "--redact=50"]) == 1
    with pytest.raises(SystemExit, match="2"):
        cli.main(["scan", ".", "--redact=101"])
