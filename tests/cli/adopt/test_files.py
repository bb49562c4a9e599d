"""Secrets found in files: stored, read back, and replaced by references that lead to them."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow

PASSWORD, SECOND, ODD = "kd83kSdk2lqPz91xVw", "Zk29dmWq81Lsx", 'Qp29"dmWq81Lsx'
APP = f"db:\n  password: {PASSWORD}\n  url: postgres://app:{SECOND}@db.internal:5432/x\n"
SETTINGS = json.dumps({"smtp": {"user": "mail", "password": ODD}})
DOTENV = f'# of the app\nDATABASE_PASSWORD={PASSWORD}\nexport NOTE="a\\nb" # text\nDEBUG=true\n'


def scattered(shell: Shell) -> dict[str, Path]:
    """A small project with secrets in three files."""
    files = {"app.yml": APP, "settings.json": SETTINGS, ".env": DOTENV}
    made = {}
    for name, text in files.items():
        path = shell.home / "project" / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        made[name] = path
    return made


def test_what_lies_in_files_is_adopted_and_replaced(sr: Shell) -> None:
    files = scattered(sr)
    files["app.yml"].chmod(0o640)
    ran = sr.ok(
        "adopt", "files", "project", "--to", "secret/adopt/one", "--owner", "ann@example.com", "--replace", "--yes",
        "--json",
    )  # fmt: skip
    assert {row["file"] for row in ran.json} == {"reference"}
    shown = ran.out + ran.err
    after = "".join(path.read_text() for path in files.values())
    for secret in (PASSWORD, SECOND, "Qp29"):
        assert secret not in shown
        assert secret not in after
    assert stat.S_IMODE(files["app.yml"].stat().st_mode) == 0o640
    assert sr("scan", "project").code == 0
    assert sr.ok("inject", "project/config/app.yml").out == APP
    assert json.loads(sr.ok("inject", "project/config/settings.json").out) == json.loads(SETTINGS)
    about = sr.ok("kv", "metadata", "get", "--json", "secret/adopt/one/config/app.yml").json["data"]
    assert about["custom_metadata"]["owner"] == "ann@example.com"
    assert "app.yml" in about["custom_metadata"]["adopted_from"]


def test_the_same_value_in_two_files_is_kept_once(sr: Shell) -> None:
    scattered(sr)
    rows = sr.ok("adopt", "files", "project", "--to", "secret/adopt/two", "--yes", "--json").json
    kept = {(row["secret"], row["field"]) for row in rows if row["kind"] == "generic.password"}
    places = [row["place"] for row in rows if row["field"] == "DATABASE_PASSWORD"]
    assert len(places) == 2
    assert ("secret/adopt/two/config/.env", "DATABASE_PASSWORD") in kept
    assert {row["file"] for row in rows} == {"value"}


def test_a_dry_run_changes_nothing(sr: Shell) -> None:
    files = scattered(sr)
    before = {name: path.read_bytes() for name, path in files.items()}
    ran = sr.ok("adopt", "files", "project", "--to", "secret/adopt/dry", "--replace", "--dry-run")
    assert "DATABASE_PASSWORD" in ran.out
    assert PASSWORD not in ran.out + ran.err
    assert {name: path.read_bytes() for name, path in files.items()} == before
    assert sr("kv", "list", "secret/adopt/dry").code == 1


def test_nothing_in_the_vault_is_overwritten_and_a_second_run_adds_nothing(sr: Shell) -> None:
    files = scattered(sr)
    sr.ok("kv", "put", "secret/adopt/three", "password=other", "keep=me", "--no-warn")
    where = ("adopt", "files", files["app.yml"], "--to", "secret/adopt/three", "--yes", "--json")
    first = sr.ok(*where).json
    data = sr.ok("kv", "get", "--json", "secret/adopt/three").json["data"]
    assert data["data"] == {"password": "other", "keep": "me", "password_2": PASSWORD, "url_password": SECOND}
    assert [row["vault"] for row in first] == ["new", "new"]
    assert [row["vault"] for row in sr.ok(*where).json] == ["there already", "there already"]
    again = sr.ok("kv", "get", "--json", "secret/adopt/three").json["data"]
    assert again["metadata"]["version"] == data["metadata"]["version"]


def test_facts_that_a_mount_requires_come_before_the_value(sr: Shell) -> None:
    files = scattered(sr)
    sr.ok("secrets", "enable", "--path", "strict", "kv", "--version", "2")
    sr.ok("inventory", "require", "strict", "owner,purpose")
    where = ("adopt", "dotenv", files[".env"], "--to", "strict/app", "--yes")
    refused = sr(*where)
    assert refused.code != 0
    assert "purpose" in refused.err
    sr.ok(*where, "--owner", "ann", "--purpose", "orders", "--lifespan", "90d")
    shown = sr.ok("inventory", "show", "--json", "strict/app").json
    assert (shown["owner"], shown["purpose"], shown["lifespan"]) == ("ann", "orders", "90d")


def test_what_cannot_be_put_back_right_is_left_to_people(sr: Shell) -> None:
    place = sr.home / "p.yml"
    place.write_text('password: "Qp29\\"dmWq81Lsx"\n')
    ran = sr("adopt", "files", place, "--to", "secret/adopt/hand", "--replace", "--yes")
    assert ran.code == 1
    assert "by hand" in ran.err
    assert place.read_text() == 'password: "Qp29\\"dmWq81Lsx"\n'
    assert sr.ok("kv", "get", "--field", "password", "secret/adopt/hand").out == ODD


def test_a_link_is_not_followed_to_be_rewritten(sr: Shell) -> None:
    real = sr.home / "real.yml"
    real.write_text(APP)
    link = sr.home / "link.yml"
    link.symlink_to(real)
    sr("adopt", "dotenv", link, "--to", "secret/adopt/link", "--replace", "--yes")
    assert link.is_symlink()
    assert real.read_text() == APP


def test_a_program_gets_values_for_references_and_no_token(sr: Shell) -> None:
    files = scattered(sr)
    sr.ok("adopt", "dotenv", files[".env"], "--to", "secret/adopt/env", "--replace", "--yes")
    assert PASSWORD not in files[".env"].read_text()
    show = "import os; print([os.environ.get(n) for n in ('DATABASE_PASSWORD', 'NOTE', 'DEBUG', 'STRONGROOM_TOKEN')])"
    ran = sr.ok("run", "--env-file", files[".env"], "--", "python3", "-c", show)
    assert ran.out.strip() == repr([PASSWORD, "a\nb", "true", None])
    ran = sr.ok("run", "--secret", "secret/adopt/env", "--", "python3", "-c", show)
    assert PASSWORD in ran.out
    assert sr("run", "--secret", "secret/adopt/env", "--", "sh", "-c", "exit 7").code == 7
    assert sr("run", "--", "no-such-program").code == 127
    lost = sr.home / "lost.env"
    lost.write_text("X=strongroom://secret/adopt/env/missing\n")
    ran = sr("run", "--env-file", lost, "--", "true")
    assert ran.code == 1
    assert "has no field" in ran.err
