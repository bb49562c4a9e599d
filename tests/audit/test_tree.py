"""The Merkle tree against RFC 6962's definition and Certificate Transparency's test leaves."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.audit.tree import (
    EMPTY_ROOT,
    Tree,
    TreeFiles,
    join,
    leaf_hash,
    level_counts,
    node_hash,
    range_root,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "merkle_rfc6962.txt"


def vectors() -> list[tuple[bytes, bytes]]:
    lines = [line.split() for line in VECTORS.read_text().splitlines() if not line.startswith("#")]
    return [(bytes.fromhex(leaf.replace("-", "")), bytes.fromhex(root)) for leaf, root in lines]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, written as the RFC writes it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def numbered(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % n) for n in range(count)]


def test_roots_are_those_of_certificate_transparency() -> None:
    tree = Tree()
    assert tree.root() == EMPTY_ROOT
    for leaf, root in vectors():
        tree.append([leaf_hash(leaf)])
        assert tree.root() == root


@given(st.integers(1, 600))
def test_joining_pairs_is_the_rfc_split(count: int) -> None:
    leaves = numbered(count)
    assert join(leaves) == mth(leaves)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_batches_of_any_size_give_the_rfc_root(batches: list[int]) -> None:
    leaves, tree, at = numbered(sum(batches)), Tree(), 0
    for batch in batches:
        tree.append(leaves[at : at + batch])
        at += batch
    assert tree.size == at
    assert tree.root() == mth(leaves)


def test_files_give_back_nodes_roots_and_the_right_edge(tmp_path: Path) -> None:
    leaves, tree, files = numbered(66_000), Tree(), TreeFiles(tmp_path / "tree", writable=True)
    for start in range(0, len(leaves), 11_000):
        for level, hashes in enumerate(tree.append(leaves[start : start + 11_000])):
            files.put(level, start >> (8 * level), hashes)
    assert [files.count(level) for level in range(4)] == [66_000, 257, 1, 0]
    assert level_counts(66_000) == [66_000, 257, 1]
    for size in (1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, 65_793, 66_000):
        assert files.root(size) == mth(leaves[:size]), size
        assert files.tree(size).root() == mth(leaves[:size]), size
        assert files.covers(size)
    assert not files.covers(66_001)
    files.close()


def test_a_missing_node_is_a_lookup_error(tmp_path: Path) -> None:
    files = TreeFiles(tmp_path / "tree")
    with pytest.raises(LookupError, match="node 0 at height 3"):
        files.node(3, 0)


def test_an_empty_range_has_the_empty_root() -> None:
    assert range_root(lambda _height, _index: b"", 0, 0) == EMPTY_ROOT
