"""Check the way to the server, the login and the server's health, and say what to do.

examples:
  strongroom doctor
  strongroom doctor --storage        (also look for damaged entries: reads the whole store)
  strongroom doctor --config /etc/strongroom/strongroom.toml   (on the server's host, as its user)
  strongroom doctor --json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.checks import FAILED, checks
from strongroom.cli.checks_running import running_checks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from strongroom.cli.checks import Finding
    from strongroom.cli.session import Session

MARKS = {"ok": ("32", "ok  "), "warning": ("33", "warn"), FAILED: ("31", "FAIL"), "skipped": ("2", "skip")}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.whole(parser, _doctor)
    made.add_argument("--storage", action="store_true", help="read the whole store for damaged entries")
    made.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the server's configuration: check it, and the disk, swap, store and audit log of this host",
    )


def _doctor(session: Session) -> int:
    found = [*_on_this_host(session.args.config), *checks(session), *running_checks(session)]
    bad = [finding for finding in found if finding.state == FAILED]
    if session.output.style == "table":
        for finding in found:
            color, mark = MARKS[finding.state]
            mark = f"\x1b[{color}m{mark}\x1b[0m" if session.output.colored else mark
            hint = f"\n      {finding.hint}" if finding.hint else ""
            sys.stdout.write(f"{mark}  {finding.name:<12} {session.output.printable(finding.text)}{hint}\n")
    elif session.output.style in ("json", "yaml"):
        session.output.structure({"version": 1, "healthy": not bad, "checks": [f._asdict() for f in found]})
    else:
        session.output.rows([finding._asdict() for finding in found])
    return errors.NEGATIVE if bad else errors.OK


def _on_this_host(config: Path | None) -> Iterator[Finding]:
    if config is not None:
        from strongroom.cli.checks_host import host_checks  # noqa: PLC0415 (only they pay for the server)

        yield from host_checks(config)
