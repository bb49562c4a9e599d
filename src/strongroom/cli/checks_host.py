"""The checks of `strongroom doctor --config`, on the server's host: its files, disk, swap and clock."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.audit import evidence, journal
from strongroom.audit.checkpoint import open_checkpoint
from strongroom.cli.checks import FAILED, PASSED, SKIPPED, WARNING, Finding
from strongroom.errors import IntegrityFailure, NotFound
from strongroom.server.address import parse
from strongroom.server.config import load
from strongroom.server.hardening import harden
from strongroom.server.problems import StartFailed
from strongroom.server.warnings import warnings
from strongroom.storage import database, formats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.server.config import Config

LAST_ENTRIES = 20
LOW_SHARE = 0.1
LEAST_BYTES = 256 * 2**20
"""A checkpoint of the store's log and an audit segment fit into it."""


def host_checks(file: Path) -> Iterator[Finding]:
    """All checks that need the server's files, in the order in which one needs another."""
    try:
        config = load(file, {})
        address = parse(config.listen)
    except StartFailed as failed:
        yield Finding("config", FAILED, f"{failed.what}: {failed.why}", failed.next_step)
        return
    yield Finding("config", PASSED, f"{file} is one that this release reads")
    harden()  # as the server does, so that what it cannot do here is found
    unsafe = [Finding("host", WARNING, sentence) for sentence in warnings(config, address, file)]
    yield from unsafe or [Finding("host", PASSED, "no swap, no core dumps, files private, clock set")]
    if not config.data:
        yield Finding("disk", SKIPPED, "the configuration names no data directory")
        return
    yield from _files(config, Path(config.data))


def _files(config: Config, data: Path) -> Iterator[Finding]:
    try:
        yield disk(data)
        if config.storage.kind == "sqlite":
            yield _store(data / database.NAME)
        yield _audit(data / "audit")
    except PermissionError as error:
        yield Finding("files", SKIPPED, f"{error.filename} is closed to you", "Run it as the server's user.")


def disk(data: Path) -> Finding:
    """Room where the store and the audit log grow; without any, writes are refused."""
    place = next(path for path in (data, *data.parents) if path.exists())
    usage = shutil.disk_usage(place)
    text = f"{usage.free / 2**30:.1f} GiB free, {usage.free / usage.total:.0%}, at {place}"
    if usage.free < LEAST_BYTES:
        return Finding("disk", FAILED, text, "Make room: a full disk refuses every write.")
    if usage.free < usage.total * LOW_SHARE:
        return Finding("disk", WARNING, text, "Make room before it is full: then every write is refused.")
    return Finding("disk", PASSED, text)


def _store(path: Path) -> Finding:
    if not path.exists():
        return Finding("layout", SKIPPED, f"{path} is not there yet", "strongroom server, then operator init")
    path.open("rb").close()  # says who may not, which SQLite does not
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            held = formats.readable(connection, path)
    except (IntegrityFailure, sqlite3.Error) as error:
        return Finding("layout", FAILED, str(error), "Start the release that wrote it, or restore a backup.")
    later = "" if held == formats.FORMAT else f", upgraded to {formats.FORMAT} at the next start"
    return Finding("layout", PASSED, f"the store has format {held}{later}")


def _audit(directory: Path) -> Finding:
    """The last entries lead to the newest signed checkpoint. The whole log takes `audit verify`."""
    if not directory.is_dir():
        return Finding("audit", SKIPPED, f"there is no audit log in {directory}")
    try:
        note = evidence.latest_checkpoint(directory)
        signed = open_checkpoint(note, journal.keys(directory))
        first = max(0, signed.size - LAST_ENTRIES)
        for sequence in range(first, signed.size):
            evidence.prove_inclusion(directory, sequence, note)
    except NotFound as error:
        return Finding("audit", SKIPPED, str(error))
    except IntegrityFailure as error:
        hint = f"strongroom audit verify --data {directory.parent}"
        return Finding("audit", FAILED, f"the end of the audit log is not as signed: {error}", hint)
    return Finding("audit", PASSED, f"the last {signed.size - first} of {signed.size} signed entries hold")
