"""Accept a secret where it stands, with a reason, an owner and an end.

examples:
  strongroom ignore --last-found --reason 'sandbox key of the tutorial'
  strongroom ignore 9f86d081884c7d659a2feaa0c55ad015 --reason 'revoked in May' --expires 2027-01-31
  strongroom ignore --list

Entries go to .strongroom-ignore.toml at the top of the repository: commit it, so that it is reviewed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest
from strongroom.scanner.suppress import ignorefile, last_found
from strongroom.scanner.suppress.ignorefile import Entry

if TYPE_CHECKING:
    import argparse

    from strongroom.scanner.suppress.last_found import Found

DAYS = 90
_DAY = 86400


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("fingerprints", nargs="*", metavar="FINGERPRINT", help="as the report names it; 8 digits are enough")
    add("--last-found", action="store_true", help="all that the last scan of this repository found")
    add("--reason", default="", help="why it may stand there")
    add("--owner", default="", help="who answers for it (git's user.email)")
    add("--expires", default=f"{DAYS}d", metavar="DATE|Nd", help=f"last day it holds ({DAYS}d)")
    add("--live", action="store_true", help="hide it although it is verified live")
    add("--file", default="", metavar="FILE", help="the ignore file")
    add("--list", action="store_true", help="show the entries and stop")


def run(args: argparse.Namespace) -> int:
    """Add the entries."""
    path = args.file or ignorefile.find(".") or f"{_top()}/{ignorefile.NAME}"
    today = time.strftime("%Y-%m-%d")
    if args.list:
        return _list(path, today)
    if not args.reason.strip():
        raise InvalidRequest("--reason is missing: say why this secret may stand there")
    chosen = _chosen(args)
    owner = args.owner or _git("config", "user.email")
    if not owner:
        raise InvalidRequest("--owner is missing, and git has no user.email")
    live = [found for found in chosen if found.validity == "live"]
    if live and not args.live:
        raise InvalidRequest(f"{live[0].name} at {live[0].place} is live: revoke it, or say --live")
    expires = _date(args.expires)
    entries = [
        Entry(f.fingerprint, args.reason.strip(), owner, expires, f.detector, f.place, args.live)
        for f in chosen
    ]
    added = ignorefile.append(path, entries)
    for found in chosen:
        sys.stderr.write(f"{found.fingerprint[:12]}  {found.name}  {found.place}\n")
    sys.stderr.write(f"{added:,} added to {path}, until {expires}. Commit it.\n")
    return 0


def _chosen(args: argparse.Namespace) -> list[Found]:
    """The findings that are meant. Raises InvalidRequest where that is not clear."""
    known = last_found.recall(".")
    if args.last_found:
        if not known:
            raise InvalidRequest("no scan of this repository has found anything yet")
        return known
    if not args.fingerprints:
        raise InvalidRequest("name a FINGERPRINT, or say --last-found")
    chosen = []
    for given in args.fingerprints:
        named = [found for found in known if len(given) >= 8 and found.fingerprint.startswith(given)]
        if not named and re.fullmatch(r"[0-9a-f]{32}", given):
            named = [last_found.Found(given, "", "a secret", "", "", "unknown")]
        if not named:
            raise InvalidRequest(f"{given}: the last scan found no secret of this fingerprint")
        chosen += named
    return chosen


def _date(text: str) -> str:
    if days := re.fullmatch(r"(\d{1,4})d", text):
        return time.strftime("%Y-%m-%d", time.localtime(time.time() + int(days[1]) * _DAY))
    try:
        return time.strftime("%Y-%m-%d", time.strptime(text, "%Y-%m-%d"))
    except ValueError as error:
        raise InvalidRequest(f"--expires {text}: a date like 2027-03-01, or 30d") from error


def _list(path: str, today: str) -> int:
    entries = ignorefile.read(path) if os.path.exists(path) else []  # noqa: PTH110
    for e in entries:
        state = "expired" if e.expires < today else "until"
        sys.stdout.write(f"{e.fingerprint}  {state} {e.expires}  {e.owner}  {e.reason}  {e.place}\n")
    sys.stderr.write(f"{len(entries):,} entries in {path}\n")
    return 0


def _top() -> str:
    return _git("rev-parse", "--show-toplevel") or os.getcwd()  # noqa: PTH109


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() if done.returncode == 0 else ""
