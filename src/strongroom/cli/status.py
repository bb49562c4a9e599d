"""Show whether the server is sealed; exit 0 unsealed, 2 sealed, 1 no answer, as `vault status` does.

examples:
  strongroom status
  strongroom status --field sealed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

UNSEALED, NO_ANSWER, SEALED = 0, 1, 2
ROWS = (
    ("seal type", "type"),
    ("recovery seal", "recovery_seal"),
    ("initialized", "initialized"),
    ("sealed", "sealed"),
    ("total shares", "n"),
    ("threshold", "t"),
    ("unseal progress", "progress"),
    ("version", "version"),
    ("storage type", "storage_type"),
    ("cluster name", "cluster_name"),
    ("cluster id", "cluster_id"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parsing.whole(parser, _status)


def _status(session: Session) -> int:
    try:
        body = session.client_with(None).request("GET", "sys/seal-status").body
    except Failure as failure:
        if failure.code == errors.UNREACHABLE:
            failure.code = NO_ANSWER
        raise
    show_seal(session, body)
    return SEALED if body["sealed"] else UNSEALED


def show_seal(session: Session, body: dict[str, object]) -> None:
    """The seal's state."""
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(body)
    else:
        session.output.pairs({title: body[name] for title, name in ROWS if name in body})
