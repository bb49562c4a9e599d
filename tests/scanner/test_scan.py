"""Whole scans: files, streams, workers, and what survives hostile input."""

import io
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from strongroom.errors import NotFound
from strongroom.scanner import limits, scan
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.finding import Report
from strongroom.scanner.rules import Rules
from strongroom.scanner.sources import files, stdin
from strongroom.scanner.sources.files import FilesSource
from strongroom.scanner.sources.stdin import StreamSource

Token = Callable[[str], str]


def _scan(rules: Rules, *paths: Path, jobs: int = 1, **options: bool | list[str]) -> Report:
    return scan.scan(FilesSource([str(p) for p in paths], **options), rules, scan.Options(jobs=jobs))  # type: ignore[arg-type]


def _places(report: Report) -> list[tuple[str, int, int]]:
    return [(Path(o.provenance.path).name, o.line, o.column) for f in report.findings for o in f.occurrences]


def test_one_secret_in_two_files_is_one_finding(builtin_rules: Rules, tree: Path, token: Token) -> None:
    (tree / "a.env").write_text(f"X=1\nTOKEN={token('a')}\n")
    (tree / "b.py").write_text(f"\n\n  t = '{token('a')}'\n")
    report = _scan(builtin_rules, tree)
    assert [f.detector.id for f in report.findings] == ["github.personal_access_token"]
    assert _places(report) == [("a.env", 2, 7), ("b.py", 3, 8)]


def test_what_git_ignores_is_left_out_unless_asked_for(
    builtin_rules: Rules, tree: Path, token: Token
) -> None:
    subprocess.run(["git", "init", "-q", tree], check=True)
    (tree / ".gitignore").write_text("ignored.txt\n")
    (tree / "ignored.txt").write_text(token("b"))
    (tree / "untracked.txt").write_text(token("c"))
    assert _places(_scan(builtin_rules, tree)) == [("untracked.txt", 1, 1)]
    assert len(_scan(builtin_rules, tree, ignored=True).findings) == 2


def test_a_folder_that_git_ignores_is_read_when_it_is_named(
    builtin_rules: Rules, tree: Path, token: Token
) -> None:
    subprocess.run(["git", "init", "-q", tree], check=True)
    (tree / ".gitignore").write_text("build/\n")
    (tree / "build").mkdir()
    (tree / "build" / "out.txt").write_text(token("i"))
    assert len(_scan(builtin_rules, tree / "build").findings) == 1


def test_links_are_not_followed(builtin_rules: Rules, tree: Path, tmp_path: Path, token: Token) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text(token("d"))
    (tree / "link.txt").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    assert _scan(builtin_rules, tree).findings == []
    assert len(_scan(builtin_rules, tree / "link.txt").findings) == 1, "but for a path that was named"


def test_a_bare_repository_is_not_taken_for_a_clean_folder(builtin_rules: Rules, tree: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", tree], check=True)
    report = _scan(builtin_rules, tree)
    assert report.warnings == [
        f"{tree} is a bare repository: `strongroom scan --history` reads what it holds"
    ]


def test_pipes_and_unreadable_places_do_not_stop_a_scan(
    builtin_rules: Rules, tree: Path, token: Token
) -> None:
    os.mkfifo(tree / "fifo")
    (tree / "seen.txt").write_text(token("e"))
    report = _scan(builtin_rules, tree)
    assert len(report.findings) == 1
    with pytest.raises(NotFound, match=r"nowhere"):
        _scan(builtin_rules, tree / "nowhere")


def test_excluded_paths_are_not_read(builtin_rules: Rules, tree: Path, token: Token) -> None:
    (tree / "node_modules").mkdir()
    (tree / "node_modules" / "x.js").write_text(token("f"))
    assert _scan(builtin_rules, tree, exclude=["node_modules"]).blobs == 0


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Huge files of 20 kB: the same code, a thousandth of the size."""
    for module in (files, stdin, limits):
        monkeypatch.setattr(module, "PIECE", 5000)
        monkeypatch.setattr(module, "OVERLAP", 600)
        monkeypatch.setattr(module, "BACK", 100)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("jobs", [1, 3])
def test_no_token_is_lost_at_the_border_of_pieces(
    builtin_rules: Rules, tree: Path, token: Token, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SMALL_JOB", 0)
    lines = [f"{n:05} some text of a log {token(str(n)) if n % 3 == 0 else ''}" for n in range(600)]
    (tree / "build.log").write_text("\n".join(lines))
    report = _scan(builtin_rules, tree, jobs=jobs)
    found = {f.secret.decode(): f.occurrences for f in report.findings}
    assert set(found) == {token(str(n)) for n in range(0, 600, 3)}
    for n in range(0, 600, 3):
        (place,) = found[token(str(n))]
        assert (place.line, place.column) == (n + 1, 26)
        assert place.excerpt[place.mark : place.mark_end].decode() == token(str(n))


class _Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 777))


@pytest.mark.usefixtures("small_pieces")
def test_a_stream_is_scanned_without_loss(builtin_rules: Rules, token: Token) -> None:
    text = "\n".join(f"{n:05} text {token(str(n))}" for n in range(400))
    report = scan.scan(StreamSource(_Trickle(text.encode())), builtin_rules)  # type: ignore[arg-type]
    assert [(f.secret.decode(), f.occurrences[0].line) for f in report.findings] == [
        (token(str(n)), n + 1) for n in range(400)
    ]
    assert report.size == len(text)


def test_workers_change_nothing(
    builtin_rules: Rules, tree: Path, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SMALL_JOB", 0)
    for n in range(30):
        (tree / f"{n}.txt").write_text(f"{'x' * n}\n{token(str(n % 7))}\n")
    alone, together = _scan(builtin_rules, tree), _scan(builtin_rules, tree, jobs=4)
    assert _places(alone) == _places(together)
    assert [f.fingerprint for f in alone.findings] == [f.fingerprint for f in together.findings]
    assert (alone.blobs, alone.size) == (together.blobs, together.size)


class _Failing:
    """A source whose second worker is killed."""

    warnings: list[str] = []  # noqa: RUF012 (a test's)

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        return [partial(self._read, die) for die in (False, True)]

    def trace(self, ids: object) -> dict[str, list[Provenance]]:
        return {}

    @staticmethod
    def _read(die: bool) -> Iterator[Blob]:
        if die:
            os._exit(9)
        yield Blob("", b"nothing", Provenance("a.txt"))


def test_a_killed_worker_is_reported_and_the_others_count(builtin_rules: Rules) -> None:
    report = scan.scan(_Failing(), builtin_rules, scan.Options(jobs=2))
    assert report.blobs == 1
    assert report.warnings == ["worker 2 ended early: its part of the scan is missing"]


def test_a_minified_line_gives_a_short_excerpt(builtin_rules: Rules, tree: Path, token: Token) -> None:
    (tree / "app.min.js").write_text("a();" * 50_000 + f'k="{token("g")}";' + "b();" * 50_000)
    (finding,) = _scan(builtin_rules, tree).findings
    place = finding.occurrences[0]
    assert len(place.excerpt) <= scan.EXCERPT
    assert place.excerpt[place.mark : place.mark_end] == finding.secret
    assert place.column == 200_004


def test_reprs_do_not_tell_the_secret(builtin_rules: Rules, tree: Path, token: Token) -> None:
    (tree / "a").write_text(token("h"))
    (finding,) = _scan(builtin_rules, tree).findings
    shown = repr(finding) + repr(finding.occurrences[0]) + finding.masked
    assert token("h")[4:-4] not in shown
