"""Inclusion and consistency proofs, made from the tree and checked without it.

Source: RFC 9162 §2.1.3 and §2.1.4 (the same trees as RFC 6962 §2.1.1 and §2.1.2).
"""

import hmac

from strongroom.audit.tree import Node, leaf_hash, node_hash, range_root, split_at
from strongroom.errors import IntegrityFailure


def inclusion_path(node: Node, index: int, size: int) -> list[bytes]:
    """Hashes that lead from leaf `index` to the root of the first `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split_at(end - start)
        if index < middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    return path[::-1]


def consistency_path(node: Node, old: int, new: int) -> list[bytes]:
    """Hashes that show the first `old` leaves are a prefix of the first `new` ones."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from size {old} to {new}")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + split_at(end - start)
        if old <= middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range_root(node, start, end))
    return path[::-1]


def check_inclusion(line: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    """Raise IntegrityFailure unless `line` is leaf `index` of the tree with that size and root.

    Source: RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size:
        raise IntegrityFailure(f"entry {index} is not in a log of {size} entries")
    position, last, result = index, size - 1, leaf_hash(line)
    for step in path:
        if last == 0:
            raise IntegrityFailure("the inclusion path is too long")
        if position % 2 or position == last:
            result = node_hash(step, result)
            while not position % 2 and position:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, step)
        position, last = position >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(result, root):
        raise IntegrityFailure(f"entry {index} is not what the checkpoint of {size} entries covers")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> None:
    """Raise IntegrityFailure unless the tree of `new` leaves only added to the tree of `old`.

    Source: RFC 9162 §2.1.4.2.
    """
    if not 0 < old <= new:
        raise IntegrityFailure(f"no log shrinks from {old} to {new} entries")
    if old == new:
        if path or not hmac.compare_digest(old_root, new_root):
            raise IntegrityFailure(f"two different logs of {old} entries")
        return
    first, second = _fold_consistency(old, new, [old_root, *path] if old & (old - 1) == 0 else path)
    if not (hmac.compare_digest(first, old_root) and hmac.compare_digest(second, new_root)):
        raise IntegrityFailure(f"the log of {new} entries does not extend the log of {old}")


def _fold_consistency(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """The old and the new root that a consistency path leads to."""
    if not path:
        raise IntegrityFailure("the consistency path is empty")
    position, last = old - 1, new - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            raise IntegrityFailure("the consistency path is too long")
        if position % 2 or position == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not position % 2 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, step)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise IntegrityFailure("the consistency path is too short")
    return first, second
