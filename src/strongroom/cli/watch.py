"""Watch a git repository: report each new commit's secrets to the server, as it comes.

examples:
  strongroom watch /srv/git/app.git                    look every 10 seconds
  strongroom watch . --fetch --interval 60             fetch from the remotes first
  strongroom watch . --once                            one look: for cron, or a post-receive hook

The first look reads the whole history; where it stopped is kept in the repository's git directory.
A scan that the server asks for (an incident's rescan) is done at the next look.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli import errors, finding_upload, scan, scan_options, scan_report
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure, message
from strongroom.cli.finding_upload import Scanned
from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.scanner.sources.git import Git, is_id
from strongroom.scanner.sources.history import HistorySource

if TYPE_CHECKING:
    from strongroom.cli.finding_upload import Sent

STATE = "strongroom-watch"
INTERVAL = 10.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "repository", metavar="REPO", nargs="?", default=".", help="a repository, bare or not"
    )
    parser.add_argument(
        "--interval", metavar="SECONDS", type=float, default=INTERVAL, help="between looks (10)"
    )
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument("--fetch", action="store_true", help="fetch from all remotes before each look")
    parser.add_argument("--source", metavar="NAME", default="", help="what the server calls it (the remote)")
    parser.add_argument("--public", action="store_true", help="the public can see it")
    parser.add_argument("--address", metavar="URL", default="", help="the server (STRONGROOM_ADDR)")
    parser.add_argument("--quiet", "-q", action="store_true", help="say nothing but warnings")


def run(args: argparse.Namespace) -> int:
    """Look until interrupted. A look that fails is said, and made again."""
    watcher = Watcher(args)
    while True:
        try:
            watcher.look()
        except StrongroomError as error:
            if args.once:
                raise
            sys.stderr.write(f"warning: {message(error)}\n")
            sys.stderr.flush()
        if args.once:
            return errors.OK
        time.sleep(max(0.1, args.interval))


class Watcher:
    """One repository, and what of it was scanned."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._git = Git(args.repository)
        folder, known = self._git.attempt("rev-parse", "--absolute-git-dir")
        if not known:
            raise InvalidRequest(f"{args.repository} is no git repository")
        self._state = Path(os.fsdecode(folder.strip())) / STATE
        self._root = os.path.realpath(args.repository)
        named = f"{os.uname().nodename}:{self._root}"
        self._source = args.source or scan_report.remote(args.repository) or named

    def look(self) -> None:
        """Scan what is new, or all of it when the server asks. Raises Failure."""
        if self._args.fetch:
            self._git.attempt("fetch", "--all", "--quiet", "--prune")
        tips, known = self._tips(), self._known()
        if known is None or self._wanted():
            self._scan([], "history")
        elif tips - known:
            self._scan([*sorted(tips - known), *(f"^?{tip}" for tip in sorted(known))], "part")
        if tips != known:
            self._keep(tips)

    def _tips(self) -> set[str]:
        listing, _ = self._git.attempt("for-each-ref", "--format=%(objectname)")
        return set(listing.decode("ascii", "replace").split())

    def _known(self) -> set[str] | None:
        """The tips of the last look, None before the first."""
        try:
            return {line for line in self._state.read_text("ascii").split() if is_id(line)}
        except (OSError, UnicodeDecodeError):
            return None

    def _keep(self, tips: set[str]) -> None:
        made = self._state.with_suffix(".new")
        made.write_text("".join(f"{tip}\n" for tip in sorted(tips)), "ascii")
        made.replace(self._state)

    def _wanted(self) -> bool:
        """Whether the server asks for a scan of all."""
        session = scan_report.session_for(self._args.address)
        try:
            answer = session.client.request("GET", "findings/source", query={"source": self._source})
        except Refused as refused:
            if refused.status == 404:
                return False
            raise Failure(errors.DENIED, "the server does not tell whether it wants a scan") from None
        finally:
            session.client.close()
        return answer.body["data"]["scan_wanted"] is not None

    def _scan(self, ranges: list[str], coverage: str) -> None:
        options = argparse.Namespace(
            **scan_options.defaults(
                paths=[self._args.repository], server=True, address=self._args.address, quiet=True
            )
        )
        found = scan.find(options, HistorySource(self._args.repository, ranges=ranges), "blobs")
        session = scan_report.session_for(self._args.address)
        sent = scan_report.send(
            session, found, Scanned(self._source, coverage, self._args.public), self._root
        )
        self._tell(sent, len(found.open))

    def _tell(self, sent: Sent, count: int) -> None:
        if not self._args.quiet:
            what = finding_upload.told(sent) if count else "nothing found"
            sys.stdout.write(f"{time.strftime('%H:%M:%S')} {self._source}: {what}\n")
            sys.stdout.flush()
