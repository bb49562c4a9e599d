"""The versions of the SQLite file's layout: this one, the way to it from each earlier one, and none back.

| version | change |
|---|---|
| 1 | `entries` and `format(version)` |
| 2 | `format.release`: the release that laid the file out or upgraded it last |
"""

import logging
import sqlite3
from pathlib import Path

from strongroom import __version__
from strongroom.errors import IntegrityFailure

FORMAT = 2
log = logging.getLogger(__name__)

LAYOUT = f"""
CREATE TABLE format (version INTEGER NOT NULL, release TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO format VALUES ({FORMAT}, '{__version__}');
CREATE TABLE entries (key TEXT NOT NULL UNIQUE, value BLOB NOT NULL) STRICT;
"""  # noqa: S608  # constants of this release only

STEPS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE format ADD COLUMN release TEXT NOT NULL DEFAULT ''",),
}
"""What leads from each earlier version to the next one."""


def readable(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file's layout. Raises IntegrityFailure unless this release reads it."""
    cursor = connection.execute("SELECT * FROM format")
    row = dict(zip((column[0] for column in cursor.description), cursor.fetchone() or (), strict=False))
    held = int(row.get("version", 0))
    if held > FORMAT:
        made = f", made by release {row['release']}," if row.get("release") else ""
        raise IntegrityFailure(
            f"{path} has format {held}{made} and this release reads up to {FORMAT}: start the newer release"
        )
    if held != FORMAT and held not in STEPS:
        raise IntegrityFailure(f"{path} has format {held}, which no release has written")
    return held


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this release's layout in one transaction: a crash leaves it as it was.

    Raises IntegrityFailure as `readable` does, and what SQLite raises; the caller then closes the
    connection, which takes everything back.
    """
    held = readable(connection, path)
    if held == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    for version in range(held, FORMAT):
        for statement in STEPS[version]:
            connection.execute(statement)
    connection.execute("UPDATE format SET version = ?, release = ?", (FORMAT, __version__))
    connection.execute("COMMIT")
    log.warning("%s is upgraded from format %d to %d; earlier releases refuse it now", path, held, FORMAT)
