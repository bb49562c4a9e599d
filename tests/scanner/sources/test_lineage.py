"""Versions that are stored whole give what each gives alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.scanner import rules
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.scan import Options, scan
from strongroom.scanner.sources import lineage
from strongroom.scanner.sources.history import HistorySource
from strongroom.scanner.sources.lineage import Lineage, copies
from tests.scanner.sources.repositories import Repository

ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
pieces = st.lists(st.sampled_from([b"a", b"ab", b"\n", b"word "]), max_size=30).map(b"".join)


@given(base=pieces, data=pieces)
def test_copies_hold_the_same_bytes_and_do_not_overlap(base: bytes, data: bytes) -> None:
    at = begin = 0
    for to, source, length in copies(base, data):
        assert to >= at
        assert source >= begin
        assert data[to : to + length] == base[source : source + length]
        at, begin = to + length, source + length
    assert at <= len(data)
    assert begin <= len(base)


@given(front=pieces, back=pieces, old=pieces, new=pieces)
def test_what_both_begin_and_end_with_is_found(front: bytes, back: bytes, old: bytes, new: bytes) -> None:
    found = copies(front + old + back, front + new + back)
    assert sum(length for _, _, length in found) >= max(len(front), len(back))


def _versions(dice: random.Random, name: str) -> list[str]:
    lines = [f"{name} line {n} passes a token on" for n in range(200)]
    made = []
    for _ in range(8):
        secret = "".join(dice.choices(ALPHABET, k=20))
        new = dice.choice((f'password = "{secret[:14]}!"', f"GITLAB_TOKEN=glpat-{secret}", "plain"))
        at = dice.randrange(len(lines))
        lines[at : at + dice.randint(0, 3)] = [new] * dice.randint(0, 2)
        made.append("\n".join(lines))
    return made


def test_loose_versions_give_what_each_gives_alone(repo: Repository) -> None:
    dice = random.Random(5)
    histories = {name: _versions(dice, name) for name in ("a.py", "b.yml", "c.txt", "d.sh")}
    for number in range(8):
        repo.commit({name: texts[number] for name, texts in histories.items()})
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    alone = {
        (name, text.count("\n", 0, m.start) + 1, m.detector.id, m.secret)
        for name, texts in histories.items()
        for text in texts
        for m in matcher.scan(name, text.encode())
    }
    report = scan(HistorySource(str(repo.path)), loaded, Options(jobs=1))
    together = {
        (o.provenance.path, o.line, f.detector.id, o.excerpt[o.mark : o.mark_end])
        for f in report.findings
        for o in f.occurrences
    }
    assert len(alone) > 10
    assert together == alone


def test_a_version_knows_the_one_before() -> None:
    texts = _versions(random.Random(6), "a.py")
    blobs = [Blob(str(n), text.encode(), Provenance("a.py")) for n, text in enumerate(texts)]
    read = list(Lineage().of(blobs))
    versions = [blob.version for blob in read if blob.version is not None]
    assert [version.base for version in versions] == [None, *versions[:-1]]


def test_a_binary_has_no_version() -> None:
    (read,) = Lineage().of([Blob("1", b"\0" * 9, Provenance("a.bin"))])
    assert read.version is None


def test_only_so_many_bytes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "KEPT", 250)
    text = b"x" * 100
    blobs = [Blob(str(n), text, Provenance(path)) for n, path in enumerate("abcba")]
    versions = [blob.version for blob in Lineage().of(blobs) if blob.version is not None]
    assert [version.base is not None for version in versions] == [False, False, False, True, False]
