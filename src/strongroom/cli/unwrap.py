"""Use a wrapping token: show what it stands for, once.

examples:
  strongroom unwrap                 (asks for the token)
  strongroom unwrap - < token.txt
  strongroom unwrap --lookup -      (what it stands for, without using it)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.prompt import word

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.whole(parser, _unwrap)
    made.add_argument("token", metavar="TOKEN", nargs="?", help="`-` reads it from standard input")
    made.add_argument("--lookup", action="store_true", help="tell its creation path and time; do not use it")


def _unwrap(session: Session) -> int:
    token = word(session.args.token, "wrapping token")
    path = f"sys/wrapping/{'lookup' if session.args.lookup else 'unwrap'}"
    try:
        answer = session.ask("POST", path, {"token": token.reveal()})
    except Refused as refused:
        if refused.status not in (400, 403):
            raise
        raise Failure(
            errors.LOGIN,
            "the wrapping token is not valid",
            "It was used already, has expired, or never was one.",
            "If you have not used it, someone else has: ask for the secret to be changed.",
        ) from None
    session.output.answer(answer.body)
    return errors.OK
