"""`strongroom rotate` and `strongroom rotation` against a real server."""

from pathlib import Path

from tests.cli.conftest import Shell, dev, shell, sr

__all__ = ["dev", "shell", "sr"]
TARGET = 'kind = "generate"\nsecret = "secret/rotated"\n'


def test_a_plan_from_its_writing_to_its_end(sr: Shell, tmp_path: Path) -> None:
    sr.ok("kv", "put", "secret/rotated", "password=first", "--no-warn")
    (sr.home / "target.toml").write_text(TARGET)
    plan = ("target=@target.toml", "schedule=weekly", "grace=0s", "settle=0s")
    sr.ok("rotation", "plan", "write", "cli", *plan)
    shown = sr.ok("rotation", "plan", "show", "cli", "--json").json
    assert (shown["kind"], shown["state"], shown["schedule"]) == ("generate", "idle", ["weekly"])
    assert "cli" in sr.ok("rotation", "list").out
    assert sr.ok("rotate", "cli", "--dry-run", "--json").json["secret"] == "secret/rotated"
    assert "create, distribute, verify" in sr.ok("rotate", "cli", "--dry-run").out
    waited = sr.ok("rotate", "cli", "--reason", "a test", "--wait", "--json")
    assert "done" in waited.err
    rotation = waited.json["rotation"]
    assert sr.ok("kv", "get", "secret/rotated", "--field", "password").out.strip() != "first"
    found = sr.ok("rotation", "show", rotation, "--json").json
    assert (found["reason"], found["state"]) == ("a test", "done")
    assert "verify-dead" in sr.ok("rotation", "show", rotation).out
    assert rotation in sr.ok("rotation", "history", "cli").out
    assert sr("rotation", "overdue").code == 1
    assert sr("rotation", "active").code == 1
    sr.ok("rotation", "plan", "write", "cli", "approval=true", "grace=1h")
    waiting = sr.ok("rotate", "cli", "--json").json["rotation"]
    assert "Whoever asked" in sr("rotation", "approve", waiting).err
    sr.ok("rotation", "cancel", waiting, "--yes")
    sr.ok("rotation", "plan", "delete", "cli", "--yes")
    assert sr("rotation", "list").code == 1
    assert sr("rotate", "cli").code != 0
