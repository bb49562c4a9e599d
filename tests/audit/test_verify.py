"""Every way to tamper with a log's files is noticed, and named by sequence where that is possible."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.audit import journal
from strongroom.audit.checkpoint import Signer
from strongroom.audit.tree import Tree, TreeFiles, leaf_hash
from strongroom.audit.verify import Report, verify_log

from .builders import KEY, edit, make_log

Change = Callable[[list[bytes], int], None]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_log(tmp_path_factory.mktemp("log"))


@pytest.fixture
def log(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "audit"))


def messages(report: Report) -> list[str]:
    return [problem.message for problem in report.problems]


def test_an_honest_log_verifies(log: Path) -> None:
    report = verify_log(log, [KEY])
    assert (report.entries, report.signed, report.checkpoints) == (60, 60, 6)
    assert report.segments > 3
    assert report.origin == KEY.name
    assert messages(report) == []


def change(lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b"user-", b"uses-")


def delete(lines: list[bytes], at: int) -> None:
    del lines[at]


def insert(lines: list[bytes], at: int) -> None:
    lines.insert(at, lines[at].replace(b"user-", b"uses-"))


def swap(lines: list[bytes], at: int) -> None:
    lines[at], lines[at + 1] = lines[at + 1], lines[at]


def renumber(lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b'{"seq":15,', b'{"seq":98765432109876,')


def garble(lines: list[bytes], at: int) -> None:
    lines[at] = b"what?\n"


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (change, ["entry 15 is changed: its stored hash is another"]),
        (delete, ["entry 15 is missing"]),
        (
            insert,
            [
                "entry 15 is changed: its stored hash is another",
                "entry 15 appears again or out of order after 15",
            ],
        ),
        (swap, ["entry 15 is missing", "entry 15 appears again or out of order after 16"]),
        (renumber, ["entry 15 is changed: it says 98765432109876"]),
        (garble, ["the line after entry 14 is not a log entry", "entry 15 is missing"]),
    ],
)
def test_a_tampered_line_is_named(log: Path, how: Change, expected: list[str]) -> None:
    edit(log, 15, how)
    report = verify_log(log, [KEY])
    assert messages(report) == expected
    assert {problem.sequence for problem in report.problems} == {15}


def test_a_missing_segment_is_named(log: Path) -> None:
    second, third = sorted(path for path in log.glob("*.jsonl") if path.stem.isdigit())[1:3]
    second.unlink()
    report = verify_log(log, [KEY])
    first, end = int(second.stem), int(third.stem)
    assert messages(report)[-1] == f"entries {first} to {end - 1} are missing"


def test_a_cut_end_is_named(log: Path) -> None:
    edit(log, 58, lambda lines, at: lines.__delitem__(slice(at, None)))
    assert messages(verify_log(log, [KEY])) == ["entries 58 to 59 are missing from the end"]


def test_a_cut_end_is_noticed_without_the_tree_too(log: Path) -> None:
    shutil.rmtree(log / "tree")
    edit(log, 59, delete)
    assert messages(verify_log(log, [KEY])) == ["entry 59 is missing from the end"]


def rewrite_tree(log: Path) -> None:
    """What a careful forger does: hash the changed lines into a new tree."""
    paths = sorted(path for path in log.glob("*.jsonl") if path.stem.isdigit())
    lines = b"".join(path.read_bytes() for path in paths).splitlines()
    files = TreeFiles(log / "tree", writable=True)
    for level, hashes in enumerate(Tree().append([leaf_hash(line) for line in lines])):
        files.put(level, 0, hashes)
    files.close()


def test_a_forger_who_rewrites_the_tree_is_caught_by_the_checkpoints(log: Path) -> None:
    edit(log, 15, change)
    rewrite_tree(log)
    report = verify_log(log, [KEY])
    assert messages(report)[0] == "entries 10 to 19 do not lead to the checkpoint signed at 20"
    assert report.signed == 10


def test_a_forger_who_signs_anew_is_caught_by_the_key_kept_elsewhere(log: Path) -> None:
    edit(log, 15, change)
    rewrite_tree(log)
    forger = Signer(Ed25519PrivateKey.generate())
    files = TreeFiles(log / "tree")
    note = journal.SignedNote("2026-01-01T00:00:00Z", forger.sign(60, files.root(60)))
    files.close()
    (log / journal.NOTES).unlink()
    (log / journal.KEYS).unlink()
    journal.add(log, note)
    journal.add_key(log, forger.key)
    assert messages(verify_log(log)) == []  # it trusts the key beside the log
    assert messages(verify_log(log, [KEY])) == ["checkpoint 1 of 1 is not valid: no signature by a known key"]


def test_a_checkpoint_kept_elsewhere_catches_a_shortened_history(log: Path) -> None:
    kept = journal.notes(log)[-1].note
    edit(log, 59, delete)
    tree = log / "tree" / "0"
    tree.write_bytes(tree.read_bytes()[: 59 * 32])
    notes = (log / journal.NOTES).read_text().splitlines(keepends=True)
    (log / journal.NOTES).write_text("".join(notes[:-1]))
    assert messages(verify_log(log, [KEY])) == []
    assert messages(verify_log(log, [KEY], [kept])) == ["entry 59 is missing from the end"]


def test_changed_checkpoints_are_noticed(log: Path) -> None:
    path = log / journal.NOTES
    path.write_bytes(path.read_bytes().replace(b"\\n30\\n", b"\\n31\\n"))
    assert messages(verify_log(log, [KEY])) == [
        f"checkpoint 3 of 6 is not valid: the signature by {KEY.name} is wrong"
    ]
    path.write_bytes(b"no\n")
    assert messages(verify_log(log, [KEY])) == ["checkpoints.jsonl holds a line that is no checkpoint"]


def test_reordered_checkpoints_are_noticed(log: Path) -> None:
    path = log / journal.NOTES
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    assert len(messages(verify_log(log, [KEY]))) == 5


def test_a_line_being_written_is_no_problem(log: Path) -> None:
    edit(log, 59, lambda lines, _at: lines.append(b'{"seq":60,"ti'))
    report = verify_log(log, [KEY])
    assert (report.entries, report.torn_bytes, messages(report)) == (60, 13, [])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_of_the_log_is_noticed(pristine: Path, tmp_path: Path, data: st.DataObject) -> None:
    target = tmp_path / "audit"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(pristine, target)
    paths = sorted(path for path in target.glob("*.jsonl") if path.stem.isdigit())
    path = data.draw(st.sampled_from(paths))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert verify_log(target, [KEY]).problems


def test_an_empty_directory_is_an_empty_log(tmp_path: Path) -> None:
    report = verify_log(tmp_path)
    assert (report.entries, messages(report)) == (0, [])
