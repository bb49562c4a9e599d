"""Move a store between the embedded one and PostgreSQL, with no server running on either.

examples:
  strongroom migrate --from /var/lib/strongroom --to postgresql://strongroom@db/strongroom
  strongroom migrate --from postgresql://strongroom@db/strongroom --to /var/lib/strongroom

Entries stay encrypted; each is compared on both sides before the target opens as a store. The source is
left as it was: do not start a server on it again. What was cut short goes on when it is run again. The
password of the database is in STRONGROOM_STORAGE_PASSWORD or in the file --password-file names.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli import errors
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    import argparse

    from strongroom.storage.migration import Place

TLS_MODES = ("disable", "require", "verify-ca", "verify-full")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--from", dest="source", metavar="STORE", required=True, help="directory or URL")
    parser.add_argument("--to", dest="target", metavar="STORE", required=True, help="directory or URL, empty")
    parser.add_argument("--password-file", metavar="FILE", default="", help="password of the database")
    parser.add_argument("--tls", choices=TLS_MODES, default="", help="how the database is reached")
    parser.add_argument("--tls-ca", metavar="FILE", default="", help="authorities of its certificate")


def run(args: argparse.Namespace) -> int:
    """Move the store."""
    from strongroom.errors import StrongroomError  # noqa: PLC0415 (only a move pays for the storage)
    from strongroom.storage.contract import StorageFull, StoreInUse  # noqa: PLC0415 (same)
    from strongroom.storage.migration import move  # noqa: PLC0415 (same)

    if _is_url(args.source) == _is_url(args.target):
        raise Failure(
            errors.USAGE,
            "one of the two stores is a directory, the other a URL",
            "A store moves between the embedded one and PostgreSQL.",
            "See strongroom migrate --help.",
        )
    try:
        with ExitStack() as stack:
            source = _place(args, args.source, target=False)
            stack.callback(source.close)
            target = _place(args, args.target, target=True)
            stack.callback(target.close)
            count = move(source, target)
    except (StrongroomError, StorageFull, StoreInUse, OSError) as error:
        raise Failure(
            errors.USAGE, "the store was not moved", f"{error}.", "The source is as it was; run it again."
        ) from None
    sys.stdout.write(f"moved {count} entries and compared each; start servers on {args.target} only\n")
    return errors.OK


def _is_url(place: str) -> bool:
    return "://" in place


def _place(args: argparse.Namespace, place: str, *, target: bool) -> Place:
    from strongroom.storage.migration import PostgresqlPlace, SqlitePlace  # noqa: PLC0415 (as above)
    from strongroom.storage.postgresql.address import address  # noqa: PLC0415 (same)

    if not _is_url(place):
        return SqlitePlace(Path(place), target=target)
    where = address(place, password_file=args.password_file, tls=args.tls, tls_ca=args.tls_ca)
    return PostgresqlPlace(where, target=target)
