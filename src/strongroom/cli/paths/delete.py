"""Delete what is at a path.

examples:
  strongroom delete auth/userpass/users/alice
  strongroom delete --yes sys/policies/acl/old
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.asks(parsing.confirms(parsing.whole(parser, _delete)))
    made.add_argument("path", metavar="PATH", help="what to delete")


def _delete(session: Session) -> int:
    args = session.args
    path = args.path.strip("/")
    shows = args.output_curl or args.output_policy
    if not shows and not confirmed(session, f"delete {path} on {session.settings['address'].value}"):
        return errors.OK
    session.ask("DELETE", path)
    session.say(f"deleted: {path}")
    return errors.OK
