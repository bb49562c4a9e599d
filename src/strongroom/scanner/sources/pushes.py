"""Which commits a push brings, from what git tells its hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest
from strongroom.scanner.sources.git import is_id

if TYPE_CHECKING:
    from collections.abc import Iterable


def pre_push_ranges(lines: Iterable[str]) -> list[str]:
    """Return what to scan for the lines of a pre-push hook: `local-ref local-id remote-ref remote-id`.

    A new branch has no remote id; everything it has and no remote-tracking
    branch has is new. A deleted one brings nothing. Raises InvalidRequest for
    lines of another form.
    """
    new: list[str] = []
    known: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        fields = line.rsplit(" ", 3)
        if len(fields) != 4 or not is_id(fields[1]) or not is_id(fields[3]):
            raise InvalidRequest("pre-push: expected `local-ref local-id remote-ref remote-id`")
        if fields[1].strip("0"):
            new.append(fields[1])
            if fields[3].strip("0"):
                known.append("^?" + fields[3])
    return [*new, *known, "--not --remotes"] if new else []


def pre_receive_ranges(lines: Iterable[str]) -> list[str]:
    """Return what to scan for the lines of a pre-receive hook: `old-id new-id ref`.

    What any existing ref reaches was scanned when it came. Raises
    InvalidRequest for lines of another form.
    """
    new: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        fields = line.split(" ", 2)
        if len(fields) != 3 or not is_id(fields[0]) or not is_id(fields[1]):
            raise InvalidRequest("pre-receive: expected `old-id new-id ref`")
        if fields[1].strip("0"):
            new.append(fields[1])
    return [*new, "--not --all"] if new else []
