"""Logging in, tokens, policies, mounts, leases."""

import stat

import pytest

from tests.cli.conftest import Shell
from tests.server.process import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def nobody(shell: Shell, dev: Server) -> Shell:
    return Shell(shell.home, {"STRONGROOM_ADDR": f"http://127.0.0.1:{dev.port}"})


@pytest.fixture
def alice(sr: Shell) -> str:
    sr("auth", "enable", "userpass")
    sr.ok("write", "auth/userpass/users/alice", "password=-", "policies=dev", stdin="correct horse")
    return "correct horse"


def test_login_keeps_the_token_for_its_owner_alone(nobody: Shell, alice: str) -> None:
    ran = nobody.ok("login", "--method", "userpass", "username=alice", "password=-", stdin=alice)
    kept = nobody.home / ".strongroom-token"
    token = kept.read_text().splitlines()[0]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert token not in ran.out + ran.err
    assert alice not in ran.out + ran.err
    assert nobody.ok("whoami", "--field", "name").out == "userpass-alice"
    assert nobody.ok("token", "revoke", "--self", "--yes").code == 0
    assert not kept.exists()


def test_a_kept_token_goes_to_no_other_server(nobody: Shell, alice: str) -> None:
    nobody.ok("login", "--method", "userpass", "username=alice", "password=-", stdin=alice)
    ran = nobody(
        "whoami",
        env={"STRONGROOM_ADDR": nobody.settings["STRONGROOM_ADDR"].replace("127.0.0.1", "localhost")},
    )
    assert ran.code == 3
    assert "is for http://127.0.0.1" in ran.err


def test_a_wrong_password_is_a_login_error_without_the_password(nobody: Shell, alice: str) -> None:
    ran = nobody("login", "--method", "userpass", "username=alice", "password=-", stdin="wrong horse")
    assert ran.code == 3
    assert "wrong horse" not in ran.err
    assert not (nobody.home / ".strongroom-token").exists()


def test_login_by_approle(sr: Shell, nobody: Shell) -> None:
    sr("auth", "enable", "approle")
    sr.ok("write", "auth/approle/role/ci", "token_policies=ci")
    role = sr.ok("read", "--field", "role_id", "auth/approle/role/ci/role-id").out
    secret = sr.ok("write", "-f", "--field", "secret_id", "auth/approle/role/ci/secret-id").out
    (nobody.home / "secret-id").write_text(secret + "\n")
    ran = nobody.ok(
        "login", "--method", "approle", f"role_id={role}", "secret_id=@secret-id", "--json", "--no-store"
    )
    assert ran.json["auth"]["policies"] == ["ci", "default"]
    assert not (nobody.home / ".strongroom-token").exists()


def test_login_with_a_token(nobody: Shell) -> None:
    assert nobody.ok("login", "-", stdin="root\n").code == 0
    assert "root" in nobody.ok("whoami").out
    assert nobody("login", "-", stdin="nonsense\n").code == 3


def test_login_says_what_is_missing(nobody: Shell) -> None:
    assert "username is missing" in nobody("login", "--method", "userpass").err
    ran = nobody("login", "--method", "userpas")
    assert ran.code == 2
    assert "Did you mean `userpass`?" in ran.err


def test_no_token_and_a_bad_token_are_login_errors(nobody: Shell) -> None:
    ran = nobody("kv", "get", "secret/a")
    assert ran.code == 3
    assert "you are not logged in" in ran.err
    ran = nobody("read", "secret/data/a", env={"STRONGROOM_TOKEN": "not-a-token"})
    assert ran.code == 3
    assert "not-a-token" not in ran.err
    assert "strongroom login" in ran.err


def test_a_denial_names_capability_path_and_policies(limited: Shell) -> None:
    ran = limited("write", "secret/data/open/a", "x=1")
    assert ran.code == 5
    lines = ran.err.splitlines()
    assert lines[0] == "strongroom: you need 'update' on secret/data/open/a"
    assert "default, only-open" in lines[1]
    assert "They give you there: read." in lines[1]
    assert 'path "secret/data/open/a" { capabilities = ["update"] }' in lines[2]


def test_tokens_are_made_looked_up_renewed_and_revoked(sr: Shell) -> None:
    made = sr.ok(
        "token", "create", "--policy", "dev", "--ttl", "1h", "--metadata", "why=test", "--json"
    ).json["auth"]
    assert made["token_policies"] == ["default", "dev"]
    looked = sr.ok("token", "lookup", "--accessor", made["accessor"], "--json").json["data"]
    assert looked["meta"] == {"why": "test"}
    sr.ok("token", "renew", "--increment", "2h", "--accessor", made["accessor"])
    assert sr.ok("token", "lookup", "--field", "ttl", "-", stdin=made["client_token"]).out > "3600"
    assert made["accessor"] in sr.ok("token", "list").out
    sr.ok("token", "revoke", "--yes", "--accessor", made["accessor"])
    assert sr("token", "lookup", "-", stdin=made["client_token"]).code == 1
    assert sr("token", "revoke", "--yes").code == 2


def test_capabilities_of_oneself_and_of_an_accessor(sr: Shell, limited: Shell) -> None:
    assert limited.ok("token", "capabilities", "--json", "secret/data/open/a", "secret/data/b").json == {
        "secret/data/open/a": ["read"],
        "secret/data/b": ["deny"],
    }
    accessor = limited.ok("whoami", "--field", "accessor").out
    assert "read" in sr.ok("token", "capabilities", "--accessor", accessor, "secret/data/open/a").out


def test_policies_are_written_read_tested_and_deleted(sr: Shell) -> None:
    rules = 'path "secret/data/p/*" {\n  capabilities = ["read", "update"]\n}\n'
    (sr.home / "p.hcl").write_text(rules)
    sr.ok("policy", "write", "p", "p.hcl")
    assert sr.ok("policy", "read", "p").out == rules
    assert "p" in sr.ok("policy", "list").out.splitlines()
    before = len(sr.ok("token", "list").out.splitlines())
    assert sr("policy", "test", "p", "secret/data/p/a", "--capability", "update").code == 0
    short = sr("policy", "test", "p", "secret/data/p/a", "--capability", "delete")
    assert short.code == 1
    assert "delete" in short.out
    assert sr("policy", "test", "p", "secret/data/q").code == 1
    assert len(sr.ok("token", "list").out.splitlines()) == before
    sr.ok("policy", "delete", "--yes", "p")
    assert sr("policy", "read", "p").code == 1
    assert sr("policy", "test", "p", "x").code == 1


def test_engines_are_mounted_tuned_moved_and_unmounted(sr: Shell) -> None:
    sr.ok("secrets", "enable", "--path", "team", "--version", "2", "--description", "ours", "kv")
    listed = sr.ok("secrets", "list", "--json").json
    assert listed["team/"]["options"] == {"version": "2"}
    sr.ok("secrets", "tune", "--max-lease-ttl", "2h", "team")
    assert sr.ok("secrets", "tune", "--field", "max_lease_ttl", "team").out == "7200"
    sr.ok("secrets", "move", "--yes", "team", "platform")
    assert "platform/" in sr.ok("secrets", "list").out
    assert "nothing was changed" in sr.ok("secrets", "disable", "--dry-run", "platform").err
    asked = sr("secrets", "disable", "platform")
    assert asked.code == 2
    assert "all that is stored in it is deleted" in asked.err
    sr.ok("secrets", "disable", "--yes", "platform")
    assert "platform/" not in sr.ok("secrets", "list", "--format", "plain").out


def test_auth_methods_are_mounted_tuned_and_unmounted(sr: Shell) -> None:
    sr.ok("auth", "enable", "--path", "people", "userpass")
    sr.ok("auth", "tune", "--default-lease-ttl", "8h", "people/")
    assert "people/" in sr.ok("auth", "list", "--detailed").out
    sr.ok("auth", "disable", "--yes", "people")


def test_leases_of_tokens_are_found_counted_and_ended(sr: Shell) -> None:
    made = sr.ok("token", "create", "--ttl", "1h", "--json").json["auth"]
    assert sr("lease", "lookup", "nothing/like/it").code == 1
    lease = f"auth/token/create/{sr.ok('lease', 'list', 'auth/token/create').out.splitlines()[0]}"
    assert sr.ok("lease", "lookup", "--field", "id", lease).out == lease
    assert int(sr.ok("lease", "count", "--field", "lease_count").out) >= 1
    assert sr("lease", "revoke", lease).code == 2
    sr.ok("lease", "revoke", "--yes", "--prefix", "auth/token/create")
    assert sr("token", "lookup", "-", stdin=made["client_token"]).code == 1
