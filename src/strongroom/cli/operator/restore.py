"""`operator restore`: a new store from a backup, in a directory or a database. The server starts sealed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.cli.migrate import TLS_MODES
from strongroom.cli.operator.backup import s3_options
from strongroom.cli.operator.restore_shared import restore_shared, revoke_all
from strongroom.cli.prompt import confirmed
from strongroom.errors import InvalidRequest, StrongroomError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from strongroom.cli.session import Session

SNAPSHOT, ASIDE = "restore.snapshot", "before-restore-"
ALIVE = (
    "tokens and leases that were revoked after the backup are valid again, and what was written "
    "after it is gone; with --revoke-all no token survives"
)


def configure(to: parsing.Parts) -> None:
    """Declare it."""
    restore = parsing.confirms(
        parsing.part(
            to, "restore", _restore, "make a store from a backup; the server is stopped",
            examples=(
                "strongroom operator restore nightly.backup --data /var/lib/strongroom --revoke-all",
                "strongroom operator restore s3://backups/nightly.backup --data /var/lib/strongroom",
                "strongroom operator restore nightly.backup --storage postgresql://strongroom@db/strongroom",
            ),
        )
    )  # fmt: skip
    restore.add_argument("file", metavar="FILE", help="what `operator backup` wrote, or s3://BUCKET/KEY")
    place = restore.add_mutually_exclusive_group(required=True)
    place.add_argument("--data", metavar="DIR", help="a new or empty directory")
    place.add_argument("--storage", metavar="URL", help="postgresql://…, an empty database")
    restore.add_argument("--password-file", metavar="FILE", default="", help="password of the database")
    restore.add_argument("--tls", choices=TLS_MODES, default="", help="how the database is reached")
    restore.add_argument("--tls-ca", metavar="FILE", default="", help="authorities of its certificate")
    s3_options(restore)
    restore.add_argument(
        "--revoke-all", action="store_true", help="at the first unseal every token is revoked"
    )
    restore.add_argument(
        "--force", action="store_true", help="set the store that is there aside, in DIR/before-restore-TIME"
    )


def _restore(session: Session) -> int:
    args = session.args
    try:
        with local(args) as source:
            if args.storage:
                header = restore_shared(session, source)
            elif not _may_replace(session, Path(args.data)):
                return errors.OK
            else:
                header = _checked_and_restored(session, source, Path(args.data), dry_run=args.dry_run)
    except Failure:
        raise
    except (OSError, StrongroomError) as error:
        why = (
            f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        )
        raise Failure(errors.USAGE, f"{args.file} was not restored", f"{why}.") from None
    made = {"storage": args.storage} if args.storage else {"data": args.data}
    session.output.facts({"version": 1, **made, **_told(header), "revoke_all": args.revoke_all})
    if args.dry_run and args.storage:
        session.say("nothing was changed (--dry-run)")
    if not args.dry_run:
        session.say(
            "Every token is revoked when it is unsealed: log in anew, or generate a root token."
            if args.revoke_all else f"warning: {ALIVE}"
        )  # fmt: skip
        option = f"--storage {args.storage} --data DIR" if args.storage else f"--data {args.data}"
        session.say(f"Next: strongroom server {option}, then strongroom operator unseal")
    return errors.OK


@contextmanager
def local(args: argparse.Namespace) -> Iterator[Path]:
    """The backup as a file of this machine: of S3-compatible storage a copy, which is gone afterwards."""
    if not args.file.startswith("s3://"):
        if "://" in args.file:  # not quoted: it may hold a password
            raise Failure(errors.USAGE, "a backup is a file, or s3://BUCKET/KEY")
        if not Path(args.file).is_file():
            raise Failure(errors.USAGE, f"there is no {args.file}")
        yield Path(args.file)
        return
    from strongroom.storage.backup import s3  # noqa: PLC0415 (for this option alone)

    try:
        url, name = s3.split(args.file)
        place = s3.S3Place(url, region=args.region, endpoint=args.endpoint)
    except InvalidRequest as error:
        raise Failure(errors.USAGE, "there is no such place for a backup", f"{error}.") from None
    with TemporaryDirectory(prefix="strongroom-restore-") as directory:
        copy = Path(directory) / "fetched.backup"
        place.fetch(name, copy)
        yield copy


def _may_replace(session: Session, directory: Path) -> bool:
    """Whether the directory is empty, or its store may be set aside. Raises Failure."""
    there = directory.is_dir() and any(directory.iterdir())
    if there and not session.args.force:
        raise Failure(
            errors.USAGE, f"{directory} is not empty", "A restore makes a new store.",
            "Choose another directory, or --force to set what is there aside.",
        )  # fmt: skip
    what = f"replace the store in {directory} by {session.args.file}"
    return not there or confirmed(session, what, "the present one is set aside")


def _told(header: dict[str, Any]) -> dict[str, Any]:
    return {name: header.get(name) for name in ("created", "audit_entries", "size_bytes", "sha256")}


def _checked_and_restored(
    session: Session, source: Path, directory: Path, *, dry_run: bool
) -> dict[str, Any]:
    from strongroom.storage.backup import file  # noqa: PLC0415 (for this command alone)
    from strongroom.storage.contract import StorageFull, StoreInUse  # noqa: PLC0415 (same)
    from strongroom.storage.files import private_directory  # noqa: PLC0415 (same)
    from strongroom.storage.snapshot import restore_snapshot  # noqa: PLC0415 (same)

    new = _new_directories(directory)
    private_directory(directory)
    snapshot = directory / SNAPSHOT
    snapshot.unlink(missing_ok=True)
    try:
        header = file.extract(source, snapshot)
        if not dry_run:
            with _set_aside(directory):
                # The mark is in the store from the first moment on, whenever this process is killed.
                prepare = revoke_all if session.args.revoke_all else lambda _: None
                restore_snapshot(snapshot, directory, header["sha256"], prepare)
    except StoreInUse as error:
        raise Failure(
            errors.USAGE, f"the server of {directory} is running", f"{error}.", "Stop it first."
        ) from None
    except StorageFull as error:
        raise OSError(str(error)) from None
    finally:
        snapshot.unlink(missing_ok=True)
        _remove_empty(new)
    return header


def _new_directories(directory: Path) -> list[Path]:
    """Those that the restore is going to make, the innermost first."""
    return [path for path in (directory, *directory.parents) if not path.exists()]


def _remove_empty(directories: list[Path]) -> None:
    """Take back what was made for nothing: a restore that failed leaves no trace."""
    from strongroom.storage import files  # noqa: PLC0415 (for this command alone)

    for path in directories:
        if not {child.name for child in path.iterdir()} - {files.LOCK_NAME}:
            (path / files.LOCK_NAME).unlink(missing_ok=True)
            path.rmdir()


@contextmanager
def _set_aside(directory: Path) -> Iterator[None]:
    """Move a present store and its audit log away; back again when the block fails."""
    from strongroom.storage import database  # noqa: PLC0415 (for this command alone)
    from strongroom.storage.files import LOCK_NAME, DirectoryLock, sync_directory  # noqa: PLC0415 (same)

    kept = (LOCK_NAME, SNAPSHOT)
    lock = DirectoryLock(directory)  # a running server holds it
    aside = directory / f"{ASIDE}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    try:
        present = [path for path in directory.iterdir() if path.name not in kept]
        present = [path for path in present if not path.name.startswith(ASIDE)]
        if present:
            aside.mkdir(mode=0o700)
            for path in present:
                path.rename(aside / path.name)
            sync_directory(directory)
    finally:
        lock.release()
    try:
        yield
    except BaseException:
        for path in directory.glob(f"{database.NAME}*"):
            path.unlink()
        for path in aside.iterdir() if present else ():
            path.rename(directory / path.name)
        if present:
            aside.rmdir()
        raise
