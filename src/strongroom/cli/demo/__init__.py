"""Play the whole loop on this machine: a leaked password is found, replaced and proved dead.

Real parts: a server, git, an application that goes on logging in, and PostgreSQL where it is installed
(otherwise a small service that issues keys). All of it is in a temporary folder and on loopback.

examples:
  strongroom demo                        then explore; Ctrl-C ends it
  strongroom demo --no-wait              end when the story is over
"""

from __future__ import annotations

import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--no-wait", action="store_true", help="do not leave the server up to explore")
    parser.add_argument("--without-postgresql", action="store_true", help="use the small service in any case")


def run(args: argparse.Namespace) -> int:
    """Play it; 0 when it ended as it should."""
    from strongroom.cli.demo.issuer import KeyService  # noqa: PLC0415 (only here)
    from strongroom.cli.demo.postgres import Postgres, binaries  # noqa: PLC0415
    from strongroom.cli.demo.stage import Stage  # noqa: PLC0415
    from strongroom.cli.demo.story import play  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-demo-")))
        use_database = binaries() is not None and not args.without_postgresql
        target = Postgres(folder / "postgresql") if use_database else KeyService()
        stage = stack.enter_context(Stage(folder, target.place))
        stack.enter_context(target)
        ended = play(stage, target)
        if not args.no_wait:
            sys.stdout.write(stage.invitation())
            sys.stdout.flush()
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                sys.stdout.write("\n")
    return 0 if ended else 1
