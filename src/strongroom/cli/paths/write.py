"""Write fields to a path.

examples:
  strongroom write auth/userpass/users/alice password policies=dev     (asks for the password)
  strongroom write auth/approle/role/ci token_ttl=10m token_policies=ci
  strongroom write -f auth/approle/role/ci/secret-id
  jq -n '{enabled: true}' | strongroom write app/config -
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing, values
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.asks(parsing.whole(parser, _write))
    made.add_argument("path", metavar="PATH", help="where to write")
    made.add_argument("fields", metavar="FIELD", nargs="*", help=values.FORMS)
    made.add_argument("-f", "--force", action="store_true", help="write no fields at all")


def _write(session: Session) -> int:
    args = session.args
    if not args.fields and not args.force:
        raise Failure(
            errors.USAGE, "there is nothing to write", "No field is given.", "Give fields, or -f for none."
        )
    path = args.path.strip("/")
    answer = session.ask("POST", path, values.fields(session, args.fields))
    if answer.body is None:
        session.say(f"written: {path}")
    else:
        session.output.answer(answer.body)
    return errors.OK
