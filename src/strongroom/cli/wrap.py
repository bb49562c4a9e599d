"""Put values behind a token of one use.

examples:
  strongroom wrap password                     (asks for the value; the token lives 5 minutes)
  strongroom wrap --ttl 1h certificate=@cert.pem
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing, values

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.whole(parser, _wrap)
    made.add_argument("fields", metavar="FIELD", nargs="+", help=values.FORMS)
    made.add_argument("--ttl", metavar="TIME", default="5m", help="how long the token lives (5m)")


def _wrap(session: Session) -> int:
    body = values.fields(session, session.args.fields, secret=True)
    answer = session.ask("POST", "sys/wrapping/wrap", body, headers={"X-Vault-Wrap-TTL": session.args.ttl})
    session.output.answer(answer.body)
    return errors.OK
