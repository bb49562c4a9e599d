"""Tell what a path is for.

examples:
  strongroom path-help sys/mounts
  strongroom path-help secret/data/app
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parsing.whole(parser, _help).add_argument("path", metavar="PATH")


def _help(session: Session) -> int:
    answer = session.ask("GET", session.args.path.strip("/"), query={"help": "1"})
    if session.output.style in ("json", "yaml"):
        session.output.structure(answer.body)
    else:
        sys.stdout.write(session.output.printable(str((answer.body or {}).get("help", ""))) + "\n")
    return errors.OK
