"""`operator backup`: a consistent copy of the store, while it serves or from its directory."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.errors import IntegrityFailure, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.cli.session import Session

ROUTE = "sys/storage/backup"
# The server hashes each piece for its log while others wait, so pieces are small.
BLOCK = 2**20
SNAPSHOT_SECONDS = 600.0
NAMED = "strongroom-%Y%m%dT%H%M%SZ.backup"
OURS = re.compile(r"strongroom-[0-9]{8}T[0-9]{6}Z\.backup")


def configure(to: parsing.Parts) -> None:
    """Declare it."""
    backup = parsing.part(
        to, "backup", _backup, "write a backup: encrypted, consistent, with a checksum",
        examples=(
            "strongroom operator backup -o nightly.backup",
            "strongroom operator backup --to /backup/strongroom --keep 14   (from a timer)",
            "strongroom operator backup -o nightly.backup --data /var/lib/strongroom   (server stopped)",
        ),
    )  # fmt: skip
    place = backup.add_mutually_exclusive_group(required=True)
    place.add_argument("-o", "--output", metavar="FILE", help="a new file; none is overwritten")
    place.add_argument("--to", metavar="DIR", help="a new file there, named by the time")
    backup.add_argument(
        "--keep", metavar="N", type=int, default=0, help="with --to: remove all but the newest N there"
    )
    backup.add_argument("--data", metavar="DIR", help="of a stopped server; else the running one is asked")


def _backup(session: Session) -> int:
    path = _target(session)
    if path.exists():
        raise Failure(errors.USAGE, f"{path} exists", "A backup never overwrites.", "Choose another name.")
    try:
        header, digest = _from_directory(session, path) if session.args.data else _from_server(session, path)
    except (OSError, IntegrityFailure, InvalidRequest) as error:
        raise Failure(errors.USAGE, f"no backup was written to {path}", f"{error}.") from None
    removed = _expire(path.parent, session.args.keep) if session.args.keep else []
    session.output.facts(
        {
            "version": 1,
            "file": str(path),
            "size_bytes": path.stat().st_size,
            "sha256": digest,
            "audit_entries": header["audit_entries"],
            **({"removed": removed} if session.args.keep else {}),
        }
    )
    session.say("The backup is ciphertext: keep the key shares elsewhere, it opens only with them.")
    return errors.OK


def _target(session: Session) -> Path:
    """The file to write."""
    to, keep = session.args.to, session.args.keep
    if keep < 0 or (keep and not to):
        raise Failure(errors.USAGE, "--keep is a number of files in --to", "", "Give --to DIR --keep N.")
    if not to:
        return Path(session.args.output)
    if not Path(to).is_dir():
        raise Failure(errors.USAGE, f"{to} is no directory", "It may not be mounted.", f"mkdir -m 0700 {to}")
    return Path(to) / time.strftime(NAMED, time.gmtime())


def _expire(directory: Path, keep: int) -> list[str]:
    """Remove the oldest of our own files, now that a newer one is whole and durable; returns their names."""
    ours = sorted(path for path in directory.iterdir() if OURS.fullmatch(path.name))
    for path in ours[:-keep]:
        path.unlink()
    return [path.name for path in ours[:-keep]]


def _from_server(session: Session, path: Path) -> tuple[dict[str, Any], str]:
    from strongroom.cli.operator import backup_file  # noqa: PLC0415 (hashlib is for this command alone)

    if session.settings["timeout"].source == "default":
        session.client.allow(SNAPSHOT_SECONDS)
    made: dict[str, Any] = session.data(session.ask("POST", ROUTE, {}))
    name = f"{ROUTE}/{made.pop('id')}"
    try:
        return made, backup_file.write(
            path, {"version": 1, **made}, _fetched(session, name, made["size_bytes"])
        )
    finally:
        session.client.request("DELETE", name)


def _fetched(session: Session, name: str, size: int) -> Iterator[bytes]:
    for offset in range(0, size, BLOCK):
        query = {"offset": str(offset), "length": str(min(BLOCK, size - offset))}
        yield session.client.request("GET", name, query=query, raw=True).raw


def _from_directory(session: Session, path: Path) -> tuple[dict[str, Any], str]:
    """A copy of a stopped server's store: its lock is held meanwhile."""
    from strongroom.cli.operator import backup_file  # noqa: PLC0415 (for this command alone)
    from strongroom.storage import database  # noqa: PLC0415 (same)
    from strongroom.storage.contract import StorageFull, StoreInUse  # noqa: PLC0415 (same)
    from strongroom.storage.files import DirectoryLock  # noqa: PLC0415 (same)
    from strongroom.storage.snapshot import write_snapshot  # noqa: PLC0415 (same)

    data, copy = Path(session.args.data), path.with_name(f".{path.name}.snapshot")
    if not (data / database.NAME).is_file():
        raise Failure(errors.USAGE, f"{data} holds no store", "", "Name the server's data directory.")
    try:
        lock = DirectoryLock(data)
    except StoreInUse as error:
        raise Failure(
            errors.USAGE, f"the server of {data} is running", f"{error}.",
            "Leave --data out: a running server makes the backup itself.",
        ) from None  # fmt: skip
    try:
        copy.unlink(missing_ok=True)
        sha256 = write_snapshot(data / database.NAME, copy)
        header = {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "size_bytes": copy.stat().st_size,
            "sha256": sha256,
            **_audit_position(data / "audit"),
        }
        with copy.open("rb") as file:
            return header, backup_file.write(
                path, {"version": 1, **header}, iter(lambda: file.read(BLOCK), b"")
            )
    except StorageFull as error:
        raise OSError(str(error)) from None
    finally:
        copy.unlink(missing_ok=True)
        lock.release()


def _audit_position(directory: Path) -> dict[str, Any]:
    """How far the audit log is, and its last signed checkpoint, if there is one."""
    from strongroom.audit.checkpoint import parse  # noqa: PLC0415 (for this command alone)
    from strongroom.audit.evidence import latest_checkpoint  # noqa: PLC0415 (same)

    try:
        checkpoint = latest_checkpoint(directory)
    except (OSError, IntegrityFailure, InvalidRequest):
        return {"audit_entries": 0, "audit_checkpoint": ""}
    return {"audit_entries": parse(checkpoint).size, "audit_checkpoint": checkpoint}
