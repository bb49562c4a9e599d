"""What a push brings, asked inside real hooks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner.sources.history import HistorySource
from strongroom.scanner.sources.pushes import pre_push_ranges, pre_receive_ranges
from tests.scanner.sources.repositories import Repository, texts

ZERO = "0" * 40
HOOK = """#!{python}
import sys
from strongroom.scanner.sources.history import HistorySource
from strongroom.scanner.sources.pushes import {reader}
ranges = {reader}(sys.stdin)
source = HistorySource(".", ranges=ranges, hook=True)
found = sorted(b.data for part in source.shards(2) for b in part()) if ranges else []
open({out!r}, "w").write(repr(found))
sys.exit(any(b"planted" in data for data in found))
"""


def install(folder: Path, name: str, reader: str, out: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(HOOK.format(python=sys.executable, reader=reader, out=str(out)))
    (folder / name).chmod(0o755)


@pytest.mark.slow
def test_a_real_push_hook_sees_what_the_remote_lacks(repo: Repository, tmp_path: Path) -> None:
    remote = Repository(tmp_path / "remote.git", "--bare")
    repo.git("remote", "add", "origin", str(remote.path))
    out = tmp_path / "seen"
    repo.commit({"a.txt": "a"})
    install(repo.path / ".git/hooks", "pre-push", "pre_push_ranges", out)
    repo.git("push", "-q", "origin", "main")
    assert out.read_text() == "[b'a']"
    repo.commit({"b.txt": "b"})
    repo.git("push", "-q", "origin", "main")
    assert out.read_text() == "[b'b']"
    repo.git("push", "-q", "origin", "main:other")
    assert out.read_text() == "[]"
    repo.git("push", "-q", "origin", ":other")
    assert out.read_text() == "[]"
    repo.commit({"c.txt": "planted"})
    assert repo.git("push", "-q", "origin", "main", check=False) == ""
    assert remote.git("rev-parse", "main") == repo.git("rev-parse", "HEAD~1")


@pytest.mark.slow
def test_a_real_pre_receive_hook_reads_quarantined_objects(repo: Repository, tmp_path: Path) -> None:
    remote = Repository(tmp_path / "remote.git", "--bare")
    out = tmp_path / "seen"
    install(remote.path / "hooks", "pre-receive", "pre_receive_ranges", out)
    repo.git("remote", "add", "origin", str(remote.path))
    repo.commit({"a.txt": "a"})
    repo.git("push", "-q", "origin", "main")
    assert out.read_text() == "[b'a']"
    repo.commit({"b.txt": "b"})
    repo.git("push", "-q", "origin", "main", "main:new")
    assert out.read_text() == "[b'b']"
    repo.commit({"c.txt": "planted"})
    repo.git("push", "-q", "origin", "main", check=False)
    assert out.read_text() == "[b'planted']"
    assert remote.git("rev-parse", "main") == repo.git("rev-parse", "HEAD~1")


def test_a_remote_that_moved_on_does_not_hide_the_push(repo: Repository) -> None:
    first = repo.commit({"a.txt": "a"})
    ranges = pre_push_ranges([f"refs/heads/main {first} refs/heads/main {'1' * 40}\n"])
    assert texts(HistorySource(str(repo.path), ranges=ranges)) == ["a"]


def test_a_push_of_a_tag_with_an_odd_name() -> None:
    one, two = "1" * 40, "2" * 40
    assert pre_push_ranges([f"refs/tags/x {one} refs/tags/x {two}"])[0] == one
    assert pre_receive_ranges([f"{ZERO} {one} refs/heads/a", f"{one} {ZERO} refs/heads/b"]) == [
        one,
        "--not --all",
    ]


@pytest.mark.parametrize("line", ["x", "a b c d", f"--all {ZERO} x", f"{ZERO} --all x"])
def test_lines_of_another_form_are_refused(line: str) -> None:
    with pytest.raises(InvalidRequest):
        pre_push_ranges([line])
    with pytest.raises(InvalidRequest):
        pre_receive_ranges([line])
