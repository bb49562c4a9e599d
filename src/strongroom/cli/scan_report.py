"""`strongroom scan --report-to-server`: what was found goes to the server as fingerprints and places."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

from strongroom.cli import codeowners, finding_upload, scan_sources
from strongroom.cli.client import Refused
from strongroom.cli.finding_upload import Scanned, Sent
from strongroom.cli.refusals import explained
from strongroom.cli.session import Session
from strongroom.errors import StrongroomError
from strongroom.scanner.reports import Style, records
from strongroom.scanner.sources.git import Git

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from strongroom.scanner.finding import Report

PARTIAL = ("since", "branch", "range", "staged", "exclude")


def session_for(address: str) -> Session:
    """A session of its own: the scan's options are not those of the server's commands."""
    options = SimpleNamespace(
        address=address or None, field=None, show_secrets=False, color="never", format="json", reason=None
    )
    return Session(cast("argparse.Namespace", options))


def report(args: argparse.Namespace, found: Report) -> None:
    """Send what a scan found and say what the server made of it. Raises Failure."""
    root = scan_sources.root(args.paths)
    named = args.source or name_of(args, root)
    sent = send(session_for(args.address), found, Scanned(named, _coverage(args), args.public), root)
    if not args.quiet:
        sys.stderr.write(f"{named}: {finding_upload.told(sent)}\n")


def send(session: Session, found: Report, scanned: Scanned, root: str) -> Sent:
    """Send a report's findings that count. Raises Failure."""
    try:
        return finding_upload.send(session.client, _records(found, root), scanned)
    except Refused as refused:
        raise explained(session, refused) from None
    finally:
        session.client.close()


def name_of(args: argparse.Namespace, root: str) -> str:
    """What is scanned, named the same from every checkout: the remote's address, the image, the folder."""
    if args.image:
        return f"image {args.image}"
    if args.paths == ["-"]:
        return "standard input"
    return remote(root) or f"{os.uname().nodename}:{root}"


def remote(root: str) -> str:
    """The address of a repository's origin without user and password, "" for none."""
    try:
        raw, _ = Git(root).attempt("config", "--get", "remote.origin.url")
    except StrongroomError:
        return ""
    address = raw.decode("utf-8", "replace").strip()
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _coverage(args: argparse.Namespace) -> str:
    """How much of the source was read."""
    if any(getattr(args, name) for name in PARTIAL) or args.image or args.paths == ["-"]:
        return "part"
    if args.history:
        return "history"
    whole = [os.path.realpath(path) for path in args.paths or ["."]] == [scan_sources.root(args.paths)]
    return "tree" if whole else "part"


def _records(found: Report, root: str) -> Iterator[dict[str, Any]]:
    lines = codeowners.read(root)
    style = Style(root=root)
    for each in found.open:
        record = records.finding(each, style)
        for place, written in zip(each.occurrences, record["occurrences"], strict=True):
            written["path"] = records.relative(place, style)
            owners = codeowners.owners(lines, written["path"])
            if owners:
                written["owners"] = list(owners)
        yield record
