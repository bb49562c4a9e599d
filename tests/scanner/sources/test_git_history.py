"""Every planted string is found once per blob, in every form a repository can take."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest, NotFound
from strongroom.scanner.sources import objects
from strongroom.scanner.sources.history import HistorySource
from tests.scanner.sources.repositories import Repository, read, texts

LINES = "\n".join(f"line {n} of a file long enough for deltas" for n in range(200))


def history(repo: Repository, **options: object) -> HistorySource:
    return HistorySource(str(repo.path), **options)  # type: ignore[arg-type]  # tests pass what they mean


def versions(repo: Repository, count: int = 12) -> list[str]:
    """Commit `count` versions of one file that differ in a line; return their contents."""
    written = [LINES.replace(f"line {n} ", f"planted-{n} ") for n in range(count)]
    for text in written:
        repo.commit({"src/app.py": text})
    return written


def everything(repo: Repository) -> list[str]:
    """The contents of every blob that git itself lists for all refs."""
    names = [line.split(" ")[0] for line in repo.git("rev-list", "--objects", "--all").splitlines()]
    kinds = repo.git("cat-file", "--batch-check=%(objecttype) %(objectname)", given="\n".join(names).encode())
    blobs = {line[5:] for line in kinds.splitlines() if line.startswith("blob ")}
    raw = [["git", "-C", str(repo.path), "cat-file", "blob", name] for name in blobs]
    return sorted(subprocess.run(c, capture_output=True, check=True).stdout.decode() for c in raw)


def test_loose_objects_are_read_once(repo: Repository) -> None:
    written = versions(repo)
    assert texts(history(repo)) == sorted(written)


def test_packed_deltas_are_read_once(repo: Repository) -> None:
    written = versions(repo)
    repo.git("repack", "-adfq")
    assert list((repo.path / ".git/objects/pack").glob("*.pack"))
    assert texts(history(repo)) == sorted(written)


def test_reference_deltas_are_read(repo: Repository) -> None:
    written = versions(repo)
    repo.git("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
    assert texts(history(repo)) == sorted(written)


def test_several_packs_and_loose_copies_give_each_blob_once(repo: Repository) -> None:
    written = versions(repo, 4)
    repo.git("repack", "-dq")
    written.append("second pack")
    repo.commit({"two.txt": "second pack"})
    repo.git("repack", "-dq")
    repo.git("multi-pack-index", "write")
    folder = repo.path / ".git/objects/pack"
    for file in list(folder.glob("pack-*")):
        shutil.copy(file, folder / f"pack-{'0' * 40}{file.suffix}")
    written.append("loose")
    repo.commit({"three.txt": "loose"})
    assert texts(history(repo)) == sorted(written)


def test_alternates_are_followed(repo: Repository, tmp_path: Path) -> None:
    written = versions(repo, 3)
    repo.git("repack", "-adq")
    repo.git("clone", "-q", "--shared", str(repo.path), str(tmp_path / "borrower"))
    borrower = Repository(tmp_path / "borrower")
    borrower.commit({"own.txt": "own"})
    assert texts(history(borrower)) == sorted([*written, "own"])


def test_alternates_that_point_at_each_other_end(repo: Repository, tmp_path: Path) -> None:
    written = versions(repo, 2)
    info = repo.path / ".git/objects/info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text("../objects\n# note\n/nonexistent\n")
    assert texts(history(repo)) == sorted(written)


def test_sha256_repositories_are_read(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "sha256", "--object-format=sha256")
    written = versions(repo, 5)
    repo.git("repack", "-adfq")
    written.append("loose too")
    repo.commit({"b.txt": "loose too"})
    blobs = read(history(repo))
    assert sorted(b.data.decode() for b in blobs) == sorted(written)
    assert {len(b.id) for b in blobs} == {64}


def test_a_shallow_clone_says_so(repo: Repository, tmp_path: Path) -> None:
    written = versions(repo, 4)
    repo.git("clone", "-q", "--depth=2", f"file://{repo.path}", str(tmp_path / "shallow"))
    source = HistorySource(str(tmp_path / "shallow"))
    assert texts(source) == sorted(written[-2:])
    assert any("shallow" in warning for warning in source.warnings)


def test_a_partial_clone_counts_what_is_not_there(repo: Repository, tmp_path: Path) -> None:
    written = versions(repo, 4)
    repo.git("clone", "-q", "--filter=blob:none", f"file://{repo.path}", str(tmp_path / "partial"))
    source = HistorySource(str(tmp_path / "partial"))
    assert texts(source, 1) == written[-1:]
    assert source.warnings == ["3 git objects are missing or damaged and were not scanned"]


def test_worktrees_bare_and_empty_repositories(repo: Repository, tmp_path: Path) -> None:
    written = versions(repo, 2)
    repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    side = tmp_path / "tree"
    assert (side / ".git").is_file()
    assert texts(HistorySource(str(side))) == sorted(written)
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare"))
    assert texts(HistorySource(str(tmp_path / "bare"))) == sorted(written)
    assert texts(history(Repository(tmp_path / "empty"))) == []


def test_submodules_are_no_blobs_and_read_by_themselves(repo: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit({"in.txt": "inside"})
    repo.commit({"out.txt": "outside"})
    repo.git("submodule", "add", "-q", str(inner.path), "module")
    repo.commit({})
    assert texts(history(repo)) == sorted(["outside", (repo.path / ".gitmodules").read_text()])
    assert texts(HistorySource(str(repo.path / "module"))) == ["inside"]


def test_a_subfolder_gives_the_whole_history(repo: Repository) -> None:
    repo.commit({"top.txt": "top", "deep/er/low.txt": "low"})
    source = HistorySource(str(repo.path / "deep"))
    blobs = read(source)
    assert sorted(b.provenance.path for b in blobs) == ["deep/er/low.txt", "top.txt"]


def test_octopus_merges_show_only_what_the_merge_made(repo: Repository) -> None:
    base = repo.commit({"base.txt": "base"})
    for name in ("one", "two", "three"):
        repo.git("checkout", "-q", "-b", name, base)
        repo.commit({f"{name}.txt": name})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-commit", "one", "two", "three")
    merge = repo.commit({"evil.txt": "only in the merge"})
    source = history(repo)
    blobs = read(source)
    assert sorted(b.data.decode() for b in blobs) == ["base", "one", "only in the merge", "three", "two"]
    evil = next(b.id for b in blobs if b.data == b"only in the merge")
    assert [p.commit for p in source.trace([evil])[evil]] == [merge]


def test_a_renamed_and_copied_blob_has_all_its_paths_and_its_first_commit(repo: Repository) -> None:
    first = repo.commit({"old.txt": "same bytes"}, "The first\n\nwith a body")
    repo.git("mv", "old.txt", "new.txt")
    second = repo.commit({"copy.txt": "same bytes"})
    source = history(repo)
    (blob,) = read(source)
    occurrences = source.trace([blob.id])[blob.id]
    assert [(p.path, p.commit) for p in occurrences] == [
        ("old.txt", first),
        ("copy.txt", second),
        ("new.txt", second),
    ]
    about = occurrences[0]
    assert (about.author, about.email) == ("Ada Example", "ada@example.org")
    assert about.date == "2024-03-01T00:01:00Z"
    assert about.message == "The first\n\nwith a body"


def test_a_rebased_and_squashed_blob_is_found_once(repo: Repository) -> None:
    repo.commit({"a.txt": "a"})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit({"b.txt": "planted"})
    repo.commit({"c.txt": "c"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--squash", "topic")
    repo.commit({})
    repo.git("rebase", "-q", "main", "topic")
    assert texts(history(repo)) == ["a", "c", "planted"]


def test_stashes_and_unreachable_objects_on_request_only(repo: Repository) -> None:
    repo.commit({"a.txt": "a"})
    repo.write("a.txt", "stashed")
    repo.git("stash", "-q")
    repo.commit({"gone.txt": "amended away"})
    repo.git("reset", "-q", "--hard", "HEAD~1")
    dangling = repo.git("hash-object", "-w", "--stdin", given=b"dangling")
    assert texts(history(repo)) == ["a"]
    source = history(repo, unreachable=True)
    blobs = {b.data.decode(): b for b in read(source)}
    assert sorted(blobs) == ["a", "amended away", "dangling", "stashed"]
    assert blobs["dangling"].id == dangling
    traced = source.trace([b.id for b in blobs.values()])
    assert [p.path for p in traced[blobs["amended away"].id]] == ["gone.txt"]
    assert dangling not in traced


def test_a_detached_head_is_part_of_the_history(repo: Repository) -> None:
    repo.commit({"a.txt": "a"})
    repo.git("checkout", "-q", "--detach")
    repo.commit({"b.txt": "detached"})
    assert texts(history(repo)) == ["a", "detached"]


def test_tags_of_blobs_and_trees_are_refs_too(repo: Repository) -> None:
    repo.commit({"a.txt": "a"})
    blob = repo.git("hash-object", "-w", "--stdin", given=b"tagged blob")
    repo.git("tag", "-a", "-m", "a blob", "keys", blob)
    inner = repo.git("hash-object", "-w", "--stdin", given=b"in a tagged tree")
    tree = repo.git("mktree", given=f"100644 blob {inner}\tdir.txt\n".encode())
    repo.git("tag", "tree", tree)
    source = history(repo)
    paths = {b.data.decode(): b.provenance.path for b in read(source)}
    assert paths == {"a": "a.txt", "tagged blob": "refs/tags/keys", "in a tagged tree": "dir.txt"}
    assert source.trace([blob])[blob][0].path == "refs/tags/keys"


def test_branch_and_since_bound_what_is_read(repo: Repository) -> None:
    first = repo.commit({"a.txt": "a"})
    repo.commit({"b.txt": "b"})
    repo.git("checkout", "-q", "-b", "side", first)
    repo.commit({"c.txt": "c"})
    assert texts(history(repo, branch="side")) == ["a", "c"]
    assert texts(history(repo, since=first)) == ["b", "c"]
    assert texts(history(repo, since="2024-03-01T00:02:30Z")) == ["c"]
    assert texts(history(repo, ranges=["main..side"])) == ["c"]
    assert texts(history(repo, ranges=["side", "^main"])) == ["c"]


def test_what_is_no_revision_is_refused(repo: Repository) -> None:
    repo.commit({"a.txt": "a"})
    with pytest.raises(NotFound):
        read(history(repo, branch="nowhere"))
    with pytest.raises(NotFound):
        read(history(repo, branch="--output=/tmp/x"))
    with pytest.raises(InvalidRequest):
        read(history(repo, since="long ago"))
    with pytest.raises(InvalidRequest):
        read(history(repo, ranges=["a...b"]))


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(HistorySource(str(tmp_path)))
    with pytest.raises(NotFound):
        read(HistorySource(str(tmp_path / "missing")))


def test_odd_file_names_survive(repo: Repository) -> None:
    names = ["tab\there.txt", "new\nline.txt", ":colon.txt", "\x01control.txt", "ünïcode.txt", " space .txt"]
    for place, name in enumerate(names):
        repo.commit({name: f"file {place}"})
    (repo.path.joinpath("x")).write_text("")
    assert sorted(b.provenance.path for b in read(history(repo)) if b.data) == sorted(names)


def test_settings_for_people_do_not_change_what_is_read(repo: Repository) -> None:
    repo.commit({"a.txt": "planted", "b.txt": "planted"}, "grüße")
    plain = history(repo)
    (blob,) = read(plain)
    expected = plain.trace([blob.id])
    for setting in ("i18n.logOutputEncoding=UTF-16", "log.abbrevCommit=true", "color.ui=always", "diff.renames=copies",
                    "log.showRoot=false", "log.date=relative", "format.pretty=oneline", "core.quotePath=true",
                    "diff.orderFile=/nonexistent", "diff.relative=true", "log.diffMerges=off", "core.abbrev=4",
                    "log.decorate=full", "notes.displayRef=*", "diff.noprefix=true", "log.follow=true"):  # fmt: skip
        repo.git("config", *setting.split("=", 1))
    changed = history(repo)
    assert [b.id for b in read(changed)] == [blob.id]
    assert changed.trace([blob.id]) == expected


def test_a_size_limit_counts_what_it_leaves_out(repo: Repository) -> None:
    repo.commit({"big.txt": "x" * 5000, "small.txt": "small"})
    for packed in (False, True):
        if packed:
            repo.git("repack", "-adq")
        source = history(repo, max_size=1000)
        assert texts(source, 1) == ["small"]
        assert source.warnings == ["1 git objects are over the size limit and were not scanned"]


def test_any_number_of_workers_gives_the_same(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    versions(repo, 6)
    for n in range(5):
        repo.commit({f"f{n}.txt": f"other {n}"})
    repo.git("repack", "-adfq")
    repo.commit({"loose.txt": "loose"})
    assert len(history(repo).shards(4)) == 1, "a small history is not worth a worker"
    monkeypatch.setattr(objects, "SMALL_JOB", 0)
    assert len(history(repo).shards(4)) == 4
    assert texts(history(repo), 1) == texts(history(repo), 2) == texts(history(repo), 50) == everything(repo)
