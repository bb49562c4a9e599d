"""Secrets of a real OpenBao: every version comes over, numbers agree, and nothing there is changed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Ran, Shell
from tests.suites.openbao import ROOT, OpenBao, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("bao")) as server:
        yield server


def put(bao: OpenBao, path: str, body: Any) -> None:
    status, answer = bao.call("POST", path, body)
    assert status < 300, answer


def filled(bao: OpenBao, mount: str) -> None:
    """An engine with versions kept, deleted, destroyed and dropped, and settings."""
    put(bao, f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "2"}})
    while bao.call("GET", f"{mount}/config")[0] != 200:  # it prepares a new mount in the background
        pass
    for number in range(1, 5):
        put(
            bao,
            f"{mount}/data/app/db",
            {"data": {"password": f"v{number}", "n": 2**53 - 1, "deep": {"a": [1, None]}}},
        )
    put(bao, f"{mount}/delete/app/db", {"versions": [2]})
    put(bao, f"{mount}/destroy/app/db", {"versions": [3]})
    put(bao, f"{mount}/metadata/app/db", {"custom_metadata": {"owner": "ann"}, "cas_required": True})
    put(bao, f"{mount}/metadata/short", {"max_versions": 2})
    for number in range(1, 5):
        put(bao, f"{mount}/data/short", {"data": {"x": str(number)}})
    put(bao, f"{mount}/data/odd%20name/%C3%BC", {"data": {}})


def adopt(sr: Shell, bao: OpenBao, *words: str) -> Ran:
    address = bao.base.removesuffix("/v1/")
    env = {"STRONGROOM_SOURCE_TOKEN": ROOT}
    return sr("adopt", "vault", "--from", address, "--yes", "--json", *words, env=env)


def state(bao: OpenBao, mount: str) -> list[Any]:
    return [bao.call("GET", f"{mount}/metadata/{path}")[1]["data"] for path in ("app/db", "short")]


def test_versions_come_over_with_their_numbers(sr: Shell, bao: OpenBao) -> None:
    filled(bao, "team")
    before = state(bao, "team")
    ran = adopt(sr, bao, "team")
    assert ran.code == 0, ran
    assert ran.json == {"adopted": 3, "there already": 0, "left out": 0, "versions": 9, "left_out": []}
    for number in (1, 4):
        got = sr.ok("kv", "get", "--json", "--version", str(number), "team/app/db").json["data"]
        assert got["data"] == {"password": f"v{number}", "n": 2**53 - 1, "deep": {"a": [1, None]}}
        assert f"version {number} of 127.0.0.1, written 20" in got["metadata"]["reason"]
    about = sr.ok("kv", "metadata", "get", "--json", "team/app/db").json["data"]
    assert [about["versions"][number]["destroyed"] for number in "1234"] == [False, True, True, False]
    assert about["cas_required"] is True
    assert about["custom_metadata"]["owner"] == "ann"
    assert about["custom_metadata"]["adopted_from"].endswith("/team/app/db")
    short = sr.ok("kv", "metadata", "get", "--json", "team/short").json["data"]
    assert short["current_version"] == 4
    assert sr.ok("kv", "get", "--field", "x", "--version", "3", "team/short").out == "3"
    assert sr.ok("kv", "get", "--json", "team/odd name/ü").json["data"]["data"] == {}
    assert state(bao, "team") == before


def test_a_second_run_takes_what_is_new_and_touches_nothing_else(sr: Shell, bao: OpenBao) -> None:
    filled(bao, "more")
    assert adopt(sr, bao, "more").code == 0
    put(bao, "more/data/app/db", {"data": {"password": "v5"}, "options": {"cas": 4}})
    ran = adopt(sr, bao, "more")
    assert (ran.json["adopted"], ran.json["there already"], ran.json["versions"]) == (1, 2, 1)
    assert sr.ok("kv", "get", "--field", "password", "more/app/db").out == "v5"


def test_what_is_here_already_is_left_alone_and_told(sr: Shell, bao: OpenBao) -> None:
    put(bao, "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    put(bao, "old/a/b", {"password": "theirs"})
    put(bao, "old/c", {"password": "new"})
    sr.ok("kv", "put", "secret/moved/a/b", "password=ours", "--no-warn")
    ran = adopt(sr, bao, "old", "--to", "secret/moved")
    assert ran.code == 1
    assert [one["path"] for one in ran.json["left_out"]] == ["old/a/b"]
    assert sr.ok("kv", "get", "--field", "password", "secret/moved/a/b").out == "ours"
    assert sr.ok("kv", "get", "--field", "password", "secret/moved/c").out == "new"


def test_a_token_that_may_not_read_is_told_and_not_shown(sr: Shell, bao: OpenBao) -> None:
    address = bao.base.removesuffix("/v1/")
    ran = sr("adopt", "vault", "--from", address, "--yes", env={"STRONGROOM_SOURCE_TOKEN": "s.wrong-token"})
    assert ran.code != 0
    assert "wrong-token" not in ran.out + ran.err
    ran = sr("adopt", "vault", "--from", address, "nothing", "--yes", env={"STRONGROOM_SOURCE_TOKEN": ROOT})
    assert ran.code == 1
    assert "no key-value engine nothing/" in ran.err
