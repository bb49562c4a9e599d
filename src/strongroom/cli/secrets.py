"""List, mount, tune, move and unmount secrets engines.

examples:
  strongroom secrets list
  strongroom secrets enable --path team kv --version 2
  strongroom secrets move team platform
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, mounts, parsing
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = mounts.configure(parser, mounts.ENGINES)
    move = parsing.confirms(parsing.part(to, "move", _move, "move a secrets engine to another path"))
    move.add_argument("source", metavar="FROM")
    move.add_argument("target", metavar="TO")


def _move(session: Session) -> int:
    source, target = session.args.source.strip("/"), session.args.target.strip("/")
    if not confirmed(
        session, f"move {source}/ to {target}/", "policies and clients that name the old path stop working"
    ):
        return errors.OK
    session.ask("POST", "sys/remount", {"from": source, "to": target})
    session.say(f"moved: {source}/ to {target}/")
    return errors.OK
