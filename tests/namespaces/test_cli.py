"""`strongroom namespace`, and `--namespace`, against a real server."""

from tests.cli.conftest import Shell, dev, shell, sr

__all__ = ["dev", "shell", "sr"]


def test_a_namespace_from_its_making_to_its_end(sr: Shell) -> None:
    made = sr.ok("namespace", "create", "cli-team", "--metadata", "cost=7", "--json").json
    assert made["data"]["path"] == "cli-team/"
    sr.ok("namespace", "create", "cli-team/app")
    assert sr.ok("namespace", "list", "cli-team").out == "app/\n"
    assert "cli-team/app/" in sr.ok("namespace", "list", "--all").out
    patched = sr.ok("namespace", "patch", "cli-team", "--metadata", "x=1", "--remove", "cost", "--json").json
    assert patched["data"]["custom_metadata"] == {"x": "1"}
    sr.ok("secrets", "enable", "--namespace", "cli-team/app", "kv", "--version", "2")
    sr.ok("kv", "put", "--ns", "cli-team/app", "kv/db", "user=ann")
    named = {"STRONGROOM_NAMESPACE": "cli-team/app"}
    for env in (named, {"VAULT_NAMESPACE": "cli-team/app"}):
        assert sr("kv", "get", "--field", "user", "kv/db", env=env).out.strip() == "ann"
    assert sr("kv", "get", "kv/db").code != 0
    key = sr.ok("namespace", "lock", "cli-team", "--field", "unlock_key").out.strip()
    locked = sr("kv", "get", "kv/db", env=named)
    assert locked.code != 0
    assert "locked" in locked.err
    sr.ok("namespace", "unlock", "cli-team", "--key", key)
    assert sr("namespace", "delete", "--yes", "cli-team").code != 0
    assert "the job" in sr.ok("namespace", "delete", "--yes", "--recursive", "cli-team").err
    assert sr("kv", "get", "kv/db", env=named).code != 0
    assert sr("namespace", "show", "nobodys").code == 1
