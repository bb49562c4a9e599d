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
