"""List what is below a path.

examples:
  strongroom list auth/userpass/users
  strongroom list sys/policies/acl
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.listing import show_keys

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.asks(parsing.whole(parser, _list))
    made.add_argument("path", metavar="PATH", help="the folder")
    made.add_argument("--detailed", action="store_true", help="what is known of each, where the engine says")


def _list(session: Session) -> int:
    path = session.args.path.strip("/")
    answer = session.ask("LIST", path)
    if session.args.wrap_ttl:
        session.output.answer(answer.body)
        return errors.OK
    return show_keys(session, session.data(answer), detailed=session.args.detailed)
