"""Read what is at a path.

examples:
  strongroom read auth/token/lookup-self
  strongroom read --field type sys/seal-status
  strongroom read secret/data/app version=3
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing, values

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

OWN_AREAS = ("sys/", "auth/", "identity/")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.asks(parsing.whole(parser, _read))
    made.add_argument("path", metavar="PATH", help="what to read")
    made.add_argument("query", metavar="NAME=VALUE", nargs="*", help="parameters of the request")


def _read(session: Session) -> int:
    path = session.args.path.strip("/")
    answer = session.ask("GET", path, query=values.pairs(session.args.query), raw=True)
    if not isinstance(answer.body, dict) and answer.raw:
        session.output.one(answer.raw.decode("utf-8", "replace"))
        return errors.OK
    # What has a lease was made just now and is told only once, so it is shown.
    made = bool((answer.body or {}).get("lease_id"))
    session.output.answer(answer.body, secret=not made and not path.startswith(OWN_AREAS))
    return errors.OK
