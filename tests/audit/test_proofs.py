"""Inclusion and consistency proofs: each verifies, and no changed one does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.audit.proofs import check_consistency, check_inclusion, consistency_path, inclusion_path
from strongroom.audit.tree import join, leaf_hash, range_root
from strongroom.errors import IntegrityFailure

LINES = [b"line %d" % n for n in range(300)]
LEAVES = [leaf_hash(line) for line in LINES]


def node(height: int, index: int) -> bytes:
    return join(LEAVES[index << height : (index + 1) << height])


def root(size: int) -> bytes:
    return range_root(node, 0, size)


@st.composite
def inclusions(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, len(LINES)))
    return draw(st.integers(0, size - 1)), size


@st.composite
def growths(draw: st.DrawFn) -> tuple[int, int]:
    new = draw(st.integers(1, len(LINES)))
    return draw(st.integers(1, new)), new


def flip(value: bytes, at: int, bits: int) -> bytes:
    at %= len(value)
    return value[:at] + bytes([value[at] ^ bits]) + value[at + 1 :]


@given(inclusions())
def test_every_entry_is_provable_at_every_size(case: tuple[int, int]) -> None:
    index, size = case
    check_inclusion(LINES[index], index, size, inclusion_path(node, index, size), root(size))


@given(growths())
def test_every_growth_is_provable(case: tuple[int, int]) -> None:
    old, new = case
    check_consistency(old, root(old), new, root(new), consistency_path(node, old, new))


@given(inclusions(), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_inclusion_proof_fails(case: tuple[int, int], at: int, bits: int) -> None:
    index, size = case
    path, line = inclusion_path(node, index, size), LINES[index]
    with pytest.raises(IntegrityFailure):
        check_inclusion(flip(line, at, bits), index, size, path, root(size))
    with pytest.raises(IntegrityFailure):
        check_inclusion(line, index, size, path, flip(root(size), at, bits))
    if path:
        step = at % len(path)
        changed = [*path[:step], flip(path[step], at, bits), *path[step + 1 :]]
        with pytest.raises(IntegrityFailure):
            check_inclusion(line, index, size, changed, root(size))
        with pytest.raises(IntegrityFailure):
            check_inclusion(line, index, size, path[:-1], root(size))
    with pytest.raises(IntegrityFailure):
        check_inclusion(line, index, size, [*path, root(1)], root(size))


@given(inclusions(), st.integers(0, 299))
def test_an_entry_is_not_provable_in_another_place(case: tuple[int, int], other: int) -> None:
    index, size = case
    if other != index:
        with pytest.raises(IntegrityFailure):
            check_inclusion(LINES[index], other, size, inclusion_path(node, index, size), root(size))


@given(growths(), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_consistency_proof_fails(case: tuple[int, int], at: int, bits: int) -> None:
    old, new = case
    path = consistency_path(node, old, new)
    wrong = [
        (flip(root(old), at, bits), root(new), path),
        (root(old), flip(root(new), at, bits), path),
        (root(old), root(new), [*path, root(1)]),
    ]
    if path:
        step = at % len(path)
        wrong.append((root(old), root(new), [*path[:step], flip(path[step], at, bits), *path[step + 1 :]]))
        wrong.append((root(old), root(new), path[:-1]))
    for old_root, new_root, steps in wrong:
        with pytest.raises(IntegrityFailure):
            check_consistency(old, old_root, new, new_root, steps)


def test_growth_is_not_believed_without_a_path() -> None:
    with pytest.raises(IntegrityFailure, match="path is empty"):
        check_consistency(3, root(3), 5, root(5), [])


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(IntegrityFailure, match="shrinks"):
        check_consistency(5, root(5), 4, root(4), [])
    with pytest.raises(IntegrityFailure, match="not in a log"):
        check_inclusion(LINES[3], 3, 3, [], root(3))
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_path(node, 0, 4)
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_path(node, 4, 4)
