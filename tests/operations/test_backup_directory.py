"""`operator backup --to DIR --keep N`: what a timer runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.storage.backup import file as backup_file
from tests.cli.conftest import Shell
from tests.server.process import start

pytestmark = pytest.mark.slow

OLD = [f"strongroom-2026010{day}T000000Z.backup" for day in range(1, 5)]


@pytest.fixture(scope="module")
def sr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell on a running server with a store on disk."""
    place = tmp_path_factory.mktemp("running")
    with start("--dev", "--data", place / "data") as server:
        settings = {
            "STRONGROOM_ADDR": f"http://127.0.0.1:{server.port}",
            "STRONGROOM_TOKEN": server.root_token,
        }
        yield Shell(place, settings)


def test_a_backup_named_by_its_time_takes_the_place_of_the_oldest(sr: Shell, tmp_path: Path) -> None:
    for name in (*OLD, "strongroom-before-upgrade.backup", "notes.txt"):
        (tmp_path / name).touch()
    made = sr.ok("operator", "backup", "--to", tmp_path, "--keep", "3", "--json").json
    assert made["removed"] == OLD[:2]
    newest = Path(made["file"])
    assert backup_file.extract(newest, tmp_path / "snapshot")["sha256"]
    kept = {path.name for path in tmp_path.iterdir()} - {"snapshot"}
    assert kept == {*OLD[2:], newest.name, "strongroom-before-upgrade.backup", "notes.txt"}


def test_a_backup_that_fails_removes_nothing(sr: Shell, tmp_path: Path) -> None:
    for name in OLD:
        (tmp_path / name).touch()
    failed = sr(
        "operator", "backup", "--to", tmp_path, "--keep", "1", env={"STRONGROOM_TOKEN": "not-a-token"}
    )
    assert failed.code != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == OLD


def test_a_backup_whose_elders_cannot_be_removed_says_that_it_is_there(sr: Shell, tmp_path: Path) -> None:
    (tmp_path / OLD[0]).mkdir()  # what stands in the way even of root
    ran = sr("operator", "backup", "--to", tmp_path, "--keep", "1")
    assert ran.code == 2
    assert "but older ones were not removed" in ran.err
    assert "no backup was written" not in ran.err
    assert [path.is_file() for path in sorted(tmp_path.iterdir())] == [False, True]


def test_a_server_that_is_not_there_is_told_by_the_exit_code(sr: Shell, tmp_path: Path) -> None:
    ran = sr("operator", "backup", "--to", tmp_path, env={"STRONGROOM_ADDR": "http://127.0.0.1:1"})
    assert ran.code == 4
    assert "no answer" in ran.err


SECRET = "hunter2-canary"  # what must not be repeated


@pytest.mark.parametrize(
    "words",
    [
        ("backup", "-o", f"s3://AKIA:{SECRET}@bucket/key"),
        ("backup", "-o", f"https://u:{SECRET}@bucket/key"),
        ("backup", "--to", f"s3://AKIA:{SECRET}@bucket/prefix"),
        ("backup", "--to", "s3://bucket/prefix", "--endpoint", f"https://u:{SECRET}@storage.example"),
        ("restore", f"s3://AKIA:{SECRET}@bucket/key", "--data", "new"),
        ("restore", f"https://u:{SECRET}@bucket/key", "--data", "new"),
        ("restore", "whole.backup", "--storage", f"postgresql://u:{SECRET}@127.0.0.1:1/db", "--dry-run"),
        ("restore", "whole.backup", "--storage", f"postgresql://u:{SECRET}@127.0.0.1:1/db"),
    ],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(sr: Shell, words: tuple[str, ...]) -> None:
    if not (sr.home / "whole.backup").exists():
        sr.ok("operator", "backup", "-o", "whole.backup")
    ran = sr("operator", *words)
    assert ran.code == 2
    assert SECRET not in ran.out + ran.err
    assert not (sr.home / "new").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--to", "nowhere"), "is no directory"),
        (("-o", "x", "--keep", "2"), "--keep is a number of files in --to"),
        (("--to", ".", "--keep", "-1"), "--keep is a number of files in --to"),
        (("--to", ".", "-o", "x"), "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused(sr: Shell, words: tuple[str, ...], why: str) -> None:
    ran = sr("operator", "backup", *words)
    assert ran.code == 2
    assert why in ran.err
