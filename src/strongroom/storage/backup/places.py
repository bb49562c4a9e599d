"""Where backups are kept: a directory, or a bucket of S3-compatible storage.

Files of ours are named by the time they were made; only they are counted and removed. Everything
here blocks.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from strongroom.errors import InvalidRequest
from strongroom.storage.backup import file
from strongroom.storage.backup.s3 import SCHEME, S3Place

if TYPE_CHECKING:
    from strongroom.storage.backup.file import Packed

NAMED = "strongroom-%Y%m%dT%H%M%SZ.backup"
OURS = re.compile(r"strongroom-[0-9]{8}T[0-9]{6}Z\.backup")
_LEFT_BEHIND = r"\.(?:{}|{})\.[0-9a-f]{{8}}\.partial"
_DAY = 86400.0


class Place(Protocol):
    """Files by name. Its methods raise InvalidRequest, IntegrityFailure, UpstreamFailed and OSError."""

    @property
    def shown(self) -> str:
        """What to call it."""
        ...

    def where(self, name: str) -> str:
        """What to call the file `name` in it."""
        ...

    def expect(self, name: str) -> None:
        """Raise unless a file of this name can be written there, as far as can be told before."""
        ...

    def write(self, name: str, packed: Packed) -> None:
        """Keep a new file: whole, durable and read back, or not at all."""
        ...

    def names(self) -> list[str]:
        """What is there."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file."""
        ...


class DirectoryPlace:
    """A directory that exists, so that a file system which is not mounted is noticed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def shown(self) -> str:
        """Its path."""
        return str(self._directory)

    def where(self, name: str) -> str:
        """The file's path."""
        return str(self._directory / name)

    def expect(self, name: str) -> None:
        """The directory is there and the name is free."""
        if not self._directory.is_dir():
            raise InvalidRequest(f"{self._directory} is no directory; it may not be mounted")
        if (self._directory / name).exists():
            raise InvalidRequest(f"{self._directory / name} exists; a backup never overwrites")

    def write(self, name: str, packed: Packed) -> None:
        """Write and sync it under a name that says so, then rename it."""
        self.expect(name)
        left = re.compile(_LEFT_BEHIND.format(OURS.pattern, re.escape(name)))
        for path in self._directory.iterdir():  # of a process that was killed
            if left.fullmatch(path.name) and path.stat().st_mtime < time.time() - _DAY:
                path.unlink(missing_ok=True)
        file.write(self._directory / name, packed)

    def names(self) -> list[str]:
        """Every file in it."""
        return [path.name for path in self._directory.iterdir()]

    def remove(self, name: str) -> None:
        """Remove one that is still there."""
        (self._directory / name).unlink(missing_ok=True)


def place_of(text: str, *, region: str = "", endpoint: str = "") -> Place:
    """The place that `text` names: a directory's path, or `s3://BUCKET/PREFIX`. Raises InvalidRequest."""
    if text.startswith(SCHEME):
        return S3Place(text, region=region, endpoint=endpoint)
    if "://" in text or region or endpoint:
        raise InvalidRequest(f"backups are kept in a directory, or in {SCHEME}BUCKET/PREFIX")
    return DirectoryPlace(Path(text))


def name_at(moment: float) -> str:
    """The name of a backup made then."""
    return time.strftime(NAMED, time.gmtime(moment))


def expire(place: Place, keep: int) -> list[str]:
    """Remove all but the newest `keep` of our files, oldest first; returns their names."""
    ours = sorted(name for name in place.names() if OURS.fullmatch(name))
    gone = ours[:-keep]
    for name in gone:
        place.remove(name)
    return gone
