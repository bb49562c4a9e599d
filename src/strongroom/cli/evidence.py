"""Check evidence files: they prove themselves, without a server.

examples:
  strongroom evidence verify incident-7.zip --key audit.vkey
  strongroom evidence show incident-7.zip

Keep the server's public key (checkpoint.vkey in its audit directory) from before: without --key the
one in the file is used, which shows that nothing was changed, not whose it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.audit import bundle
from strongroom.audit.checkpoint import VerifyKey
from strongroom.cli.audit_line import printable, render
from strongroom.errors import IntegrityFailure, InvalidRequest

if TYPE_CHECKING:
    import argparse

VERIFIED, NOT_VERIFIED = 0, 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    parts = parser.add_subparsers(dest="part", metavar="verify|show", required=True)
    for name, about in (
        ("verify", "check a file; exit 1 when anything in it is not as it was made"),
        ("show", "check a file and print its record and entries"),
    ):
        part = parts.add_parser(name, help=about)
        part.add_argument("file", metavar="FILE")
        part.add_argument(
            "--key",
            metavar="VKEY",
            help="public key that must have signed it: a file of one or more, or its text",
        )
        part.add_argument("--json", action="store_true", help="the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Check, and say what the file is."""
    try:
        found = bundle.verify(_read(args.file), _keys(args.key) if args.key else ())
    except IntegrityFailure as error:
        if args.json:
            sys.stdout.write(json.dumps({"verified": False, "problem": str(error)}) + "\n")
        else:
            sys.stderr.write(f"strongroom: NOT verified: {error}\n")
        return NOT_VERIFIED
    if args.json:
        sys.stdout.write(json.dumps(_facts(found, pinned=bool(args.key))) + "\n")
        return VERIFIED
    told = f"verified: {found.manifest.subject}, made {found.manifest.made}, sealed {found.sealed}"
    sys.stdout.write(
        f"{printable(told)}\n"
        f"{len(found.entries):,} entries, each in the log of {found.checkpoint.size:,} "
        f"signed by {found.key.name}\n"
    )
    if found.manifest.left_out:
        sys.stdout.write(f"{found.manifest.left_out:,} more entries did not fit\n")
    if args.part == "show":
        record = found.record.decode("utf-8", "replace").splitlines()
        sys.stdout.writelines(f"{printable(line)}\n" for line in record)
        sys.stdout.writelines(f"{render(line)}\n" for line in found.entries)
    if not args.key:
        sys.stderr.write("the key is the file's own: with --key VKEY you also know whose it is\n")
    return VERIFIED


def _facts(found: bundle.Verified, *, pinned: bool) -> dict[str, object]:
    return {
        "verified": True,
        "subject": found.manifest.subject,
        "made": found.manifest.made,
        "sealed": found.sealed,
        "entries": len(found.entries),
        "left_out": found.manifest.left_out,
        "log_entries": found.checkpoint.size,
        "key": str(found.key),
        "key_given": pinned,
    }


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(bundle.LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(f"{name}: {error.strerror}") from None
    if len(content) > bundle.LARGEST:
        raise InvalidRequest(f"{name} is larger than any evidence file")
    return content


def _keys(text: str) -> list[VerifyKey]:
    """Keys given as the text of one, or as a file that holds one in each line."""
    lines = [text]
    if "+" not in text or Path(text).exists():
        try:
            lines = Path(text).read_text("utf-8").split()
        except (OSError, UnicodeDecodeError):
            lines = []
        if not lines:
            raise InvalidRequest(f"there is no key in {text}")
    try:
        return [VerifyKey.parse(line) for line in lines]
    except IntegrityFailure as error:
        raise InvalidRequest(f"--key: {error}") from None
