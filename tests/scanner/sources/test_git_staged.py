"""The index is what is scanned, not the work tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.scanner.sources.staged import StagedSource
from tests.scanner.sources.repositories import Repository, read


def staged(repo: Repository) -> dict[str, bytes]:
    return {blob.provenance.path: blob.data for blob in read(StagedSource(str(repo.path)))}


def test_the_index_is_read_and_the_work_tree_is_not(repo: Repository) -> None:
    repo.commit({"old.txt": "old", "same.txt": "same"})
    repo.write("old.txt", "staged")
    repo.write("dir/new.txt", "new")
    repo.git("add", "-A")
    repo.write("old.txt", "changed after")
    repo.write("untracked.txt", "untracked")
    assert staged(repo) == {"old.txt": b"staged", "dir/new.txt": b"new"}


def test_the_first_commit_of_a_repository(repo: Repository) -> None:
    assert staged(repo) == {}
    repo.write("a.txt", "a")
    repo.git("add", "a.txt")
    assert staged(repo) == {"a.txt": b"a"}


def test_deleted_files_submodules_and_links(repo: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit({"in.txt": "inside"})
    repo.commit({"gone.txt": "gone"})
    repo.git("rm", "-q", "gone.txt")
    repo.git("submodule", "add", "-q", str(inner.path), "module")
    (repo.path / "link").symlink_to("/etc/passwd")
    repo.git("add", "link")
    found = staged(repo)
    assert set(found) == {".gitmodules", "link"}
    assert found["link"] == b"/etc/passwd"


def test_a_subfolder_and_odd_names(repo: Repository) -> None:
    repo.write("deep/er/x.txt", "x")
    repo.write("new\nline.txt", "y")
    repo.git("add", "-A")
    found = read(StagedSource(str(repo.path / "deep")))
    assert {b.provenance.path for b in found} == {"deep/er/x.txt", "new\nline.txt"}


def test_the_index_of_a_partial_commit_is_the_one_read(repo: Repository) -> None:
    """`git commit PATH` runs the hook with a temporary index that holds PATH alone."""
    repo.commit({"a.txt": "a", "b.txt": "b"})
    seen = repo.path / "seen"
    hook = repo.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    code = (
        "from strongroom.scanner.sources.staged import StagedSource\n"
        "print([b.data for part in StagedSource('.').shards(1) for b in part()])"
    )
    hook.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" > {seen}\n')
    hook.chmod(0o755)
    repo.write("a.txt", "a2")
    repo.write("b.txt", "b2")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "only a", "a.txt")
    assert seen.read_text() == "[b'a2']\n"


@pytest.mark.slow
def test_five_staged_files_cost_few_processes(repo: Repository, tmp_path: Path) -> None:
    """One git command: the rest of a hook's budget belongs to matching."""
    log = tmp_path / "calls"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, check=True).stdout.decode().strip()
    wrapper.write_text(f'#!/bin/sh\necho call >> {log}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    for n in range(5):
        repo.write(f"f{n}.txt", f"file {n}")
    repo.git("add", "-A")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        assert len(staged(repo)) == 5
    assert log.read_text().count("call") == 1


def test_what_is_staged_is_read_from_packs_and_from_where_git_keeps_it(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"packed.txt": "packed"})
    repo.git("repack", "-a", "-d", "-q")
    repo.git("mv", "packed.txt", "moved.txt")
    repo.write("loose.txt", "loose")
    repo.git("add", "-A")
    assert staged(repo) == {"moved.txt": b"packed", "loose.txt": b"loose"}
    elsewhere = tmp_path / "objects"
    (repo.path / ".git" / "objects").rename(elsewhere)
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(elsewhere))
    assert staged(repo) == {"moved.txt": b"packed", "loose.txt": b"loose"}


def test_a_damaged_object_is_told(repo: Repository) -> None:
    repo.write("a.txt", "a" * 100)
    repo.write("b.txt", "b")
    repo.git("add", "-A")
    name = repo.git("rev-parse", ":a.txt").strip()
    path = repo.path / ".git" / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"x" * 20)
    source = StagedSource(str(repo.path))
    assert [blob.data for blob in read(source)] == [b"b"]
    assert source.warnings == ["1 git objects are missing or damaged and were not scanned"]
