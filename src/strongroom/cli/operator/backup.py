"""`operator backup`: a consistent copy of the store, while it serves or from its directory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.errors import IntegrityFailure, InvalidRequest, StrongroomError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from strongroom.cli.session import Session
    from strongroom.storage.backup.file import Packed
    from strongroom.storage.backup.places import Place

ROUTE = "sys/storage/backup"
# The server hashes each piece for its log while others wait, so pieces are small.
BLOCK = 2**20
SNAPSHOT_SECONDS = 600.0


def configure(to: parsing.Parts) -> None:
    """Declare it."""
    backup = parsing.part(
        to, "backup", _backup, "write a backup: encrypted, consistent, with a checksum",
        examples=(
            "strongroom operator backup -o nightly.backup",
            "strongroom operator backup --to /backup/strongroom --keep 14   (from a timer)",
            "strongroom operator backup --to s3://backups/strongroom --region eu-central-1",
            "strongroom operator backup -o nightly.backup --data /var/lib/strongroom   (server stopped)",
        ),
    )  # fmt: skip
    where = backup.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "-o", "--output", metavar="FILE", help="a new file or s3://BUCKET/KEY; none is overwritten"
    )
    where.add_argument(
        "--to", metavar="PLACE", help="a directory or s3://BUCKET/PREFIX: a new file there, named by the time"
    )
    backup.add_argument(
        "--keep", metavar="N", type=int, default=0, help="with --to: remove all but the newest N there"
    )
    backup.add_argument("--data", metavar="DIR", help="of a stopped server; else the running one is asked")
    s3_options(backup)


def s3_options(parser: argparse.ArgumentParser) -> None:
    """Declare where S3-compatible storage is; credentials are found as AWS's tools find them."""
    parser.add_argument("--region", metavar="NAME", default="", help="of s3://; as AWS's tools find it")
    parser.add_argument("--endpoint", metavar="URL", default="", help="of s3:// storage that is not AWS's")


def _backup(session: Session) -> int:
    from strongroom.storage.backup.places import expire  # noqa: PLC0415 (for this command alone)

    place, name = _target(session)
    shown = place.where(name)
    try:
        header, packed = _written(session, place, name)
    except Failure:
        raise
    except (OSError, StrongroomError) as error:
        raise Failure(errors.USAGE, f"no backup was written to {shown}", f"{error}.") from None
    try:
        removed = expire(place, session.args.keep) if session.args.keep else []
    except (OSError, StrongroomError) as error:
        raise Failure(
            errors.USAGE, f"the backup is in {shown}, but older ones were not removed", f"{error}."
        ) from None
    session.output.facts(
        {
            "version": 1,
            "file": shown,
            "size_bytes": packed.size_bytes,
            "sha256": packed.sha256,
            "audit_entries": header["audit_entries"],
            **({"removed": removed} if session.args.keep else {}),
        }
    )
    session.say("The backup is ciphertext: keep the key shares elsewhere, it opens only with them.")
    return errors.OK


def _target(session: Session) -> tuple[Place, str]:
    """Where the file goes, and its name."""
    from strongroom.storage.backup import places, s3  # noqa: PLC0415 (for this command alone)

    args = session.args
    if args.keep < 0 or (args.keep and not args.to):
        raise Failure(errors.USAGE, "--keep is a number of files in --to", "", "Give --to PLACE --keep N.")
    try:
        if args.to:
            name, text = places.name_at(time.time()), args.to
        elif args.output.startswith(s3.SCHEME):
            text, name = s3.split(args.output)
        elif "://" in args.output:
            raise InvalidRequest(f"a backup is a file, or {s3.SCHEME}BUCKET/KEY")
        else:
            name, text = Path(args.output).name, str(Path(args.output).parent)
        place = places.place_of(text, region=args.region, endpoint=args.endpoint)
    except InvalidRequest as error:
        raise Failure(errors.USAGE, "there is no such place for a backup", f"{error}.") from None
    return place, name


def _written(session: Session, place: Place, name: str) -> tuple[dict[str, Any], Packed]:
    place.expect(name)
    write = _from_directory if session.args.data else _from_server
    return write(session, place, name)


def _from_server(session: Session, place: Place, name: str) -> tuple[dict[str, Any], Packed]:
    from strongroom.storage.backup.file import Packed  # noqa: PLC0415 (hashlib is for this command alone)

    if session.settings["timeout"].source == "default":
        session.client.allow(SNAPSHOT_SECONDS)
    made: dict[str, Any] = session.data(session.ask("POST", ROUTE, {}))
    route = f"{ROUTE}/{made.pop('id')}"
    try:
        packed = Packed({"version": 1, **made}, _fetched(session, route, made["size_bytes"]))
        place.write(name, packed)
        return made, packed
    finally:
        session.client.request("DELETE", route)


def _fetched(session: Session, name: str, size: int) -> Iterator[bytes]:
    for offset in range(0, size, BLOCK):
        query = {"offset": str(offset), "length": str(min(BLOCK, size - offset))}
        yield session.client.request("GET", name, query=query, raw=True).raw


def _from_directory(session: Session, place: Place, name: str) -> tuple[dict[str, Any], Packed]:
    """A copy of a stopped server's store: its lock is held meanwhile."""
    from strongroom.storage import database  # noqa: PLC0415 (for this command alone)
    from strongroom.storage.backup.file import Packed  # noqa: PLC0415 (same)
    from strongroom.storage.contract import StorageFull, StoreInUse  # noqa: PLC0415 (same)
    from strongroom.storage.files import DirectoryLock  # noqa: PLC0415 (same)
    from strongroom.storage.snapshot import write_snapshot  # noqa: PLC0415 (same)

    data = Path(session.args.data)
    copy = data / "backup.snapshot"
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
            packed = Packed({"version": 1, **header}, iter(lambda: file.read(BLOCK), b""))
            place.write(name, packed)
        return header, packed
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
