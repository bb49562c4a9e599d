"""Puts references where secrets stood: in a whole file or not at all, and only where it is as it was read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from strongroom.cli.references import CONTINUES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.cli.adopt.drafts import Spot


class Edit(NamedTuple):
    """A reference for what stands at a spot."""

    spot: Spot
    reference: bytes


def replaced(file: str, edits: Iterable[Edit]) -> set[Spot]:
    """Rewrite a file; returns the spots that now hold references. Raises OSError."""
    path = Path(file)
    if path.is_symlink() or not path.is_file():
        return set()
    before = after = path.read_bytes()
    done: set[Spot] = set()
    floor = len(before)
    for spot, reference in sorted(edits, key=lambda one: one.spot.start, reverse=True):
        fits = spot.text and before[spot.start : spot.end] == spot.text and spot.end <= floor
        if fits and not CONTINUES.match(before, spot.end):
            after = after[: spot.start] + reference + after[spot.end :]
            done.add(spot)
            floor = spot.start
    if done:
        _swap(path, before, after)
    return done


def _swap(path: Path, before: bytes, after: bytes) -> None:
    """Write beside the file and put in its place, with its mode and owner."""
    about = path.stat()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(after)
            stream.flush()
            os.fchmod(stream.fileno(), about.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.fchown(stream.fileno(), about.st_uid, about.st_gid)
            os.fsync(stream.fileno())
        if path.read_bytes() != before:
            raise OSError(None, "it was changed meanwhile")
        os.replace(name, path)  # noqa: PTH105 (a name, not a Path)
    except BaseException:
        os.unlink(name)  # noqa: PTH108 (same)
        raise
