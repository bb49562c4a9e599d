"""Damaged and hostile repositories: a warning and a count, nothing run, no crash."""

from __future__ import annotations

import os
import random
import struct
import zlib
from pathlib import Path

import pytest

from strongroom.errors import IntegrityFailure, InvalidRequest, UpstreamFailed
from strongroom.scanner.blob import Provenance
from strongroom.scanner.sources import packread
from strongroom.scanner.sources.git import Git, refusal
from strongroom.scanner.sources.history import HistorySource
from strongroom.scanner.sources.loose import loose_objects, read_loose
from strongroom.scanner.sources.objects import pack_indexes
from strongroom.scanner.sources.packread import Reader, target_size
from strongroom.scanner.sources.packs import Forest, Pack
from strongroom.scanner.sources.staged import StagedSource
from tests.scanner.sources.repositories import Repository, read, texts

DAMAGED = "git objects are missing or damaged and were not scanned"


def make_writable(path: Path) -> Path:
    path.chmod(0o644)
    return path


def packed(repo: Repository, versions: int = 8) -> Path:
    """Commit `versions` of a file in one delta tree and return the pack."""
    body = "\n".join(f"line {n} with enough words to be worth a delta" for n in range(300))
    for n in range(versions):
        repo.commit({"a.txt": body.replace(f"line {n} ", f"version-{n} ")})
    repo.git("repack", "-adfq")
    return make_writable(next((repo.path / ".git/objects/pack").glob("*.pack")))


def test_a_flipped_bit_in_a_pack_is_counted_and_the_rest_is_read(repo: Repository) -> None:
    repo.commit({"good.txt": "good"})
    repo.commit({"bad.txt": os.urandom(4000)})
    pack = packed(repo, 1)
    opened = Pack(str(pack.with_suffix(".idx")), 20)
    name = bytes.fromhex(repo.git("rev-parse", "HEAD:bad.txt"))
    k = next(k for k in range(opened.count) if opened.id_at(k) == name)
    raw = bytearray(pack.read_bytes())
    raw[opened.starts[k] + 2000] ^= 0x10
    pack.write_bytes(raw)
    source = HistorySource(str(repo.path))
    assert "good" in texts(source, 1)
    assert len(texts(source, 1)) == 2
    assert source.warnings[0] == f"1 {DAMAGED}"


def test_another_copy_of_a_damaged_object_is_used(repo: Repository) -> None:
    repo.commit({"a.txt": "planted"})
    blob = repo.git("rev-parse", "HEAD:a.txt")
    loose = make_writable(repo.path / ".git/objects" / blob[:2] / blob[2:])
    kept = loose.read_bytes()
    repo.git("repack", "-adq")
    pack = make_writable(next((repo.path / ".git/objects/pack").glob("*.pack")))
    loose.parent.mkdir(exist_ok=True)
    loose.write_bytes(kept)
    opened = Pack(str(pack.with_suffix(".idx")), 20)
    k = next(k for k in range(opened.count) if opened.id_at(k).hex() == blob)
    raw = bytearray(pack.read_bytes())
    raw[opened.starts[k] + 1 : opened.starts[k] + 4] = b"\xff\xff\xff"
    pack.write_bytes(raw)
    assert texts(HistorySource(str(repo.path))) == ["planted"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_damage_to_a_pack_never_crashes(repo: Repository, seed: int) -> None:
    pack = packed(repo)
    chance = random.Random(seed)
    for path in (pack, make_writable(pack.with_suffix(".idx"))):
        raw = bytearray(path.read_bytes())
        for _ in range(20):
            raw[chance.randrange(8, len(raw))] = chance.randrange(256)
        path.write_bytes(raw[: chance.choice((len(raw), len(raw) * 2 // 3))])
    for everything in (False, True):
        source = HistorySource(str(repo.path), max_size=1 << 20, unreachable=everything)
        assert all(len(blob.data) <= 1 << 20 for blob in read(source))


def test_a_tree_too_large_to_hold_is_read_by_git(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    packed(repo, 6)
    whole = texts(HistorySource(str(repo.path)))
    monkeypatch.setattr(packread, "LIVE_BYTES", 1000)
    source = HistorySource(str(repo.path))
    assert texts(source) == whole
    assert source.warnings == []


@pytest.mark.parametrize("kept", [4, 12, 31])
def test_a_pack_cut_to_less_than_its_frame_is_damage(repo: Repository, kept: int) -> None:
    pack = make_writable(packed(repo, 3))
    pack.write_bytes(pack.read_bytes()[:kept])
    with pytest.raises(IntegrityFailure):
        Pack(str(pack.with_suffix(".idx")), 20)


def test_a_cut_index_is_a_warning(repo: Repository) -> None:
    pack = packed(repo, 3)
    index = make_writable(pack.with_suffix(".idx"))
    index.write_bytes(index.read_bytes()[:1100])
    with pytest.raises(IntegrityFailure):
        Pack(str(index), 20)
    source = HistorySource(str(repo.path))
    read(source)
    assert any("is asked" in w or "are asked" in w for w in source.warnings)


def test_a_damaged_loose_object_is_counted(repo: Repository) -> None:
    repo.commit({"a.txt": "first", "b.txt": "second"})
    blob = repo.git("rev-parse", "HEAD:a.txt")
    make_writable(repo.path / ".git/objects" / blob[:2] / blob[2:]).write_bytes(b"not zlib at all")
    source = HistorySource(str(repo.path))
    assert texts(source) == ["second"]
    assert source.warnings == [f"1 {DAMAGED}"]


def test_a_loose_object_that_lies_about_its_size_is_counted(repo: Repository) -> None:
    repo.commit({"a.txt": "first", "b.txt": "second"})
    blob = repo.git("rev-parse", "HEAD:a.txt")
    bomb = zlib.compress(b"blob 5\0" + b"x" * 1_000_000)
    make_writable(repo.path / ".git/objects" / blob[:2] / blob[2:]).write_bytes(bomb)
    source = HistorySource(str(repo.path))
    found = texts(source)
    assert "second" in found
    assert all(len(text) < 100 for text in found)


def test_a_history_with_a_missing_commit_is_read_as_far_as_it_goes(repo: Repository) -> None:
    first = repo.commit({"a.txt": "first"})
    repo.commit({"b.txt": "second"})
    (repo.path / ".git/objects" / first[:2] / first[2:]).unlink()
    source = HistorySource(str(repo.path))
    assert texts(source) == ["first", "second"]
    assert "stopped early" in source.warnings[0]


def hand_made_pack(folder: Path, entries: list[tuple[bytes, bytes]]) -> Pack:
    """Write a pack and its index from raw entries (id, bytes as they stand in the pack)."""
    body, offsets = b"PACK" + struct.pack(">II", 2, len(entries)), []
    for _, raw in entries:
        offsets.append(len(body))
        body += raw
    body += bytes(20)
    order = sorted(range(len(entries)), key=lambda i: entries[i][0])
    fan = [sum(1 for name, _ in entries if name[0] <= n) for n in range(256)]
    index = b"\xfftOc" + struct.pack(">I", 2) + struct.pack(">256I", *fan)
    index += b"".join(entries[i][0] for i in order) + bytes(4 * len(entries))
    index += b"".join(struct.pack(">I", offsets[i]) for i in order) + bytes(40)
    (folder / "pack-x.pack").write_bytes(body)
    (folder / "pack-x.idx").write_bytes(index)
    return Pack(str(folder / "pack-x.idx"), 20)


def test_deltas_that_stand_on_each_other_end(tmp_path: Path) -> None:
    one, two = b"\x01" * 20, b"\x02" * 20
    delta = zlib.compress(b"\x01\x01\x01x")
    pack = hand_made_pack(tmp_path, [(one, b"\x74" + two + delta), (two, b"\x74" + one + delta)])
    forest = Forest(pack, {one: 0, two: 0}, set())
    assert forest.roots == []


def test_a_delta_that_promises_terabytes_is_left_to_git(tmp_path: Path) -> None:
    one, two = b"\x01" * 20, b"\x02" * 20
    huge = b"\x01" + b"\xff\xff\xff\xff\xff\x7f" + b"\x91\x00\x01"
    assert target_size(huge) > 1 << 40
    pack = hand_made_pack(
        tmp_path,
        [(one, b"\x31" + zlib.compress(b"A")), (two, bytes([0x70 | len(huge)]) + one + zlib.compress(huge))],
    )
    forest = Forest(pack, None, set())
    reader = Reader(forest, 1 << 20)
    blobs = list(reader.blobs(forest.roots, lambda _: Provenance("x")))
    assert [b.data for b in blobs] == [b"A"]
    assert reader.unread == [two]


@pytest.fixture
def trap(repo: Repository, tmp_path: Path) -> Path:
    """A repository whose configuration names a program wherever git would take one."""
    marker = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {marker}\n')
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        (hooks / hook).symlink_to(program)
    repo.commit({"a.txt": "committed", ".gitattributes": "* diff=evil filter=evil\n"})
    repo.write("b.txt", "staged")
    repo.git("add", "b.txt")
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "diff.evil.textconv",
                "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "gpg.program",
                "core.alternateRefsCommand", "core.askPass", "credential.helper", "core.editor",
                "core.gitProxy", "remote.origin.uploadpack"):  # fmt: skip
        repo.git("config", key, str(program))
    repo.git("config", "core.hooksPath", str(hooks))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "remote.origin.url", f"ext::{program} %S")
    repo.git("config", "protocol.ext.allow", "always")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.partialClone", "origin")
    return marker


def test_a_hostile_configuration_runs_nothing(repo: Repository, trap: Path) -> None:
    blob = repo.git("rev-parse", "HEAD:a.txt")
    repo.git("status", check=False)
    assert trap.exists(), "plain git does run the programs"
    trap.unlink()
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    source = HistorySource(str(repo.path), unreachable=True)
    read(source)
    source.trace([blob])
    read(StagedSource(str(repo.path)))
    read(HistorySource(str(repo.path), since="HEAD"))
    assert not trap.exists()


def test_variables_of_hooks_do_not_redirect_a_named_repository(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a.txt": "named"})
    other = Repository(tmp_path / "other")
    other.commit({"b.txt": "other"})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    assert texts(HistorySource(str(repo.path))) == ["named"]


def test_another_users_repository_is_refused_with_the_remedy() -> None:
    error = refusal("/srv/x", b"fatal: detected dubious ownership in repository at '/srv/x'")
    assert isinstance(error, InvalidRequest)
    assert "safe.directory" in str(error)


def test_links_and_pipes_among_the_objects_are_survived(repo: Repository) -> None:
    repo.commit({"a.txt": "first"})
    objects = repo.path / ".git/objects"
    (objects / "ab").mkdir(exist_ok=True)
    (objects / "ab" / ("0" * 38)).symlink_to("loop")
    (objects / "ab" / "loop").symlink_to("loop")
    (objects / "ac").symlink_to(".")
    os.mkfifo(objects / "ab" / ("1" * 38))
    (objects / "pack").joinpath("pack-lone.idx").write_bytes(b"")
    assert pack_indexes(str(objects)) == []
    assert texts(HistorySource(str(repo.path))) == ["first"]
    unread: list[bytes] = []
    listed = loose_objects(str(objects), 20, None, set())
    blobs = list(read_loose(listed, lambda _: Provenance("x"), 1 << 20, unread))
    assert [blob.data for blob in blobs] == [b"first"]
    assert unread == [bytes.fromhex("ab" + "0" * 38), bytes.fromhex("ab" + "1" * 38)]


def test_git_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UpstreamFailed, match="git is not installed"):
        Git(str(tmp_path)).run("version")
