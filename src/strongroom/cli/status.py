"""Show whether the server is sealed; exit 0 unsealed, 2 sealed, 1 no answer, as `vault status` does.

examples:
  strongroom status
  strongroom status --field sealed
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

UNSEALED, NO_ANSWER, SEALED = 0, 1, 2
ROWS = (
    ("seal type", "type"),
    ("recovery seal", "recovery_seal"),
    ("seal migration", "migration"),
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
        client = session.client_with(None)
        body = client.request("GET", "sys/seal-status").body
        if body.get("recovery_seal"):
            with suppress(Refused):  # a server of another make may not have it
                body["backends"] = client.request("GET", "sys/seal-backend-status").body["backends"]
    except Failure as failure:
        if failure.code == errors.UNREACHABLE:
            failure.code = NO_ANSWER
        raise
    show_seal(session, body)
    return SEALED if body["sealed"] else UNSEALED


def show_seal(session: Session, body: dict[str, Any]) -> None:
    """The seal's state."""
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(body)
    else:
        rows = {title: body[name] for title, name in ROWS if name in body}
        session.output.pairs(rows | {f"seal {one['name']}": _health(one) for one in body.get("backends", ())})


def _health(backend: dict[str, Any]) -> str:
    """How one of the key services is."""
    if not backend["configured"]:
        return "not configured"
    if backend["disabled"]:
        return "disabled"
    if backend["healthy"]:
        return "healthy"
    since = backend.get("unhealthy_since")
    return f"unhealthy since {since}" if since else "not asked yet"
