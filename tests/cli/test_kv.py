"""`strongroom kv` against a real server."""

import json

import pytest

from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow


def test_what_is_put_is_got(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/a", "user=web", "--no-warn")
    assert sr.ok("kv", "get", "--field", "user", "secret/kv/a").out == "web"
    assert sr.ok("kv", "get", "--json", "secret/kv/a").json["data"]["data"] == {"user": "web"}


def test_values_come_from_stdin_and_files_byte_for_byte(sr: Shell) -> None:
    text = "line one\n  line «two»\n\n"
    (sr.home / "file").write_text(text)
    sr.ok("kv", "put", "secret/kv/b", "file=@file", "pipe=-", stdin=text)
    got = sr.ok("kv", "get", "--json", "secret/kv/b").json["data"]["data"]
    assert got == {"file": text, "pipe": text}
    assert sr.ok("kv", "get", "--field", "pipe", "secret/kv/b").out == text


def test_json_on_stdin_keeps_types_and_big_integers(sr: Shell) -> None:
    value = '{"n": 123456789012345678901234567890, "deep": {"list": [1, null, true]}}'
    sr.ok("kv", "put", "secret/kv/c", "-", stdin=value)
    assert sr.ok("kv", "get", "--field", "n", "secret/kv/c").out == "123456789012345678901234567890"
    assert json.loads(sr.ok("kv", "get", "--json", "secret/kv/c").out)["data"]["data"] == json.loads(value)


def test_a_value_on_argv_is_taken_with_one_warning(sr: Shell) -> None:
    ran = sr.ok("kv", "put", "secret/kv/d", "a=1", "b=2")
    assert ran.err.count("warning:") == 1
    assert "a, b" in ran.err
    assert "warning" not in sr.ok("kv", "put", "--no-warn", "secret/kv/d", "a=1").err


def test_escapes_let_a_value_begin_as_a_reference_does(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/e", r"at=\@home", r"dash=\-", "--no-warn")
    assert sr.ok("kv", "get", "--json", "secret/kv/e").json["data"]["data"] == {"at": "@home", "dash": "-"}


def test_options_stand_anywhere_and_vaults_spelling_works(sr: Shell) -> None:
    sr.ok("kv", "put", "-cas=0", "secret/kv/f", "a=1", "--no-warn")
    sr.ok("kv", "put", "secret/kv/f", "a=2", "--cas", "1", "--no-warn")
    assert sr.ok("kv", "get", "secret/kv/f", "-version=1", "-field=a").out == "1"
    assert sr.ok("kv", "get", "-mount=secret", "-format=json", "kv/f").json["data"]["data"] == {"a": "2"}


def test_a_failed_check_and_set_is_a_usage_error(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/g", "a=1", "--no-warn")
    ran = sr("kv", "put", "--cas", "0", "secret/kv/g", "a=2", "--no-warn")
    assert ran.code == 2
    assert "check-and-set" in ran.err


def test_patch_changes_and_removes(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/h", "a=1", "b=2", "--no-warn")
    sr.ok("kv", "patch", "secret/kv/h", "a=3", "--remove", "b", "--no-warn")
    assert sr.ok("kv", "get", "--json", "secret/kv/h").json["data"]["data"] == {"a": "3"}
    assert sr("kv", "patch", "secret/kv/h").code == 2


def test_versions_are_deleted_brought_back_destroyed_and_rolled_back(sr: Shell) -> None:
    for value in "123":
        sr.ok("kv", "put", "secret/kv/i", f"a={value}", "--no-warn")
    sr.ok("kv", "delete", "--yes", "secret/kv/i")
    gone = sr("kv", "get", "secret/kv/i")
    assert gone.code == 1
    assert "version 3 of secret/kv/i is deleted" in gone.err
    assert "kv undelete --versions 3 secret/kv/i" in gone.err
    sr.ok("kv", "undelete", "--versions", "3", "secret/kv/i")
    sr.ok("kv", "destroy", "--yes", "--versions", "2", "secret/kv/i")
    assert "destroyed" in sr("kv", "get", "--version", "2", "secret/kv/i").err
    sr.ok("kv", "rollback", "--yes", "--version", "1", "secret/kv/i")
    assert sr.ok("kv", "get", "--field", "a", "secret/kv/i").out == "1"
    states = [row["state"] for row in _versions(sr, "secret/kv/i")]
    assert states == ["there", "destroyed", "there", "there"]


def _versions(sr: Shell, path: str) -> list[dict[str, str]]:
    lines = sr.ok("kv", "metadata", "get", "--format", "csv", path).out.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("version,"))
    titles = lines[head].split(",")
    return [dict(zip(titles, line.split(","), strict=True)) for line in lines[head + 1 :]]


def test_who_and_why_are_told_with_the_secret(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/j", "a=1", "--no-warn", "--reason", "INC-42")
    assert "because: INC-42" in sr.ok("kv", "get", "secret/kv/j").err


def test_metadata_is_written_patched_and_deleted(sr: Shell) -> None:
    sr.ok("kv", "metadata", "put", "--max-versions", "3", "--custom-metadata", "owner=web", "secret/kv/k")
    sr.ok("kv", "metadata", "patch", "--custom-metadata", "team=x", "secret/kv/k")
    sr.ok("kv", "metadata", "patch", "--remove-custom-metadata", "owner", "secret/kv/k")
    data = sr.ok("kv", "metadata", "get", "--json", "secret/kv/k").json["data"]
    assert (data["max_versions"], data["custom_metadata"]) == (3, {"team": "x"})
    sr.ok("kv", "metadata", "delete", "--yes", "secret/kv/k")
    assert sr("kv", "metadata", "get", "secret/kv/k").code == 1


def test_listings_name_engines_folders_and_trees(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/tree/one", "a=1", "--no-warn")
    sr.ok("kv", "put", "secret/tree/deep/er/two", "a=1", "--no-warn")
    assert "secret/" in sr.ok("kv", "list").out.splitlines()
    assert sr.ok("kv", "list", "secret/tree").out.splitlines() == ["deep/", "one"]
    assert sr.ok("kv", "list", "--json", "secret/tree").json == ["deep/", "one"]
    assert sr.ok("kv", "tree", "secret/tree").out == "secret/tree/\n  deep/\n    er/\n      two\n  one\n"
    nothing = sr("kv", "list", "secret/tree/nowhere")
    assert (nothing.code, nothing.out) == (1, "")


def test_version_one_engines_work_and_say_what_they_lack(sr: Shell) -> None:
    sr("secrets", "enable", "--path", "plain", "--version", "1", "kv")
    sr.ok("kv", "put", "plain/a", "x=1", "--no-warn")
    assert sr.ok("kv", "get", "--field", "x", "plain/a").out == "1"
    assert sr.ok("kv", "list", "plain").out == "a\n"
    ran = sr("kv", "undelete", "--versions", "1", "plain/a")
    assert ran.code == 2
    assert "keeps no versions" in ran.err
    sr.ok("kv", "delete", "--yes", "plain/a")
    assert sr("kv", "get", "plain/a").code == 1


def test_what_is_missing_is_negative_and_leads_on(sr: Shell) -> None:
    ran = sr("kv", "get", "secret/nowhere/at-all")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.splitlines()[0] == "strongroom: nothing is stored at secret/nowhere/at-all"
    assert "strongroom kv list secret/nowhere" in ran.err


def test_a_wrong_mount_names_the_near_one(sr: Shell) -> None:
    ran = sr("kv", "get", "secert/app")
    assert ran.code == 2
    assert "Did you mean `secret/`?" in ran.err


def test_a_missing_field_names_the_near_one(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/m", "password=x", "--no-warn")
    ran = sr("kv", "get", "--field", "pasword", "secret/kv/m")
    assert ran.code == 1
    assert "Did you mean `password`?" in ran.err


def test_an_answer_is_wrapped_when_asked(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/kv/n", "password=x", "--no-warn")
    token = sr.ok("kv", "get", "--wrap-ttl", "60", "--field", "wrapping_token", "secret/kv/n").out
    assert sr.ok("unwrap", "--json", "-", stdin=token).json["data"]["data"] == {"password": "x"}
    again = sr("unwrap", "-", stdin=token)
    assert again.code == 3
    assert "used already" in again.err


def test_standard_input_holds_one_value(sr: Shell) -> None:
    ran = sr("kv", "put", "secret/kv/o", "a=-", "b=-", stdin="x")
    assert ran.code == 2
    assert "named twice" in ran.err


def test_input_that_is_no_json_or_no_text_is_a_usage_error(sr: Shell) -> None:
    assert "is not a JSON object" in sr("kv", "put", "secret/kv/o", "-", stdin="[1]").err
    assert "is not UTF-8" in sr("kv", "put", "secret/kv/o", "a=-", stdin=b"\xff\xfe").err
    assert "cannot read nowhere" in sr("kv", "put", "secret/kv/o", "a=@nowhere").err
    assert "names no field" in sr("kv", "put", "secret/kv/o", "=x").err
