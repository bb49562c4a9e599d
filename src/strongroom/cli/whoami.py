"""Show who the server takes you for.

examples:
  strongroom whoami
  strongroom whoami --field policies
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parsing.whole(parser, _whoami)


def _whoami(session: Session) -> int:
    own = session.data(session.ask("GET", "auth/token/lookup-self"))
    session.output.facts(
        {
            "version": 1,
            "address": session.settings["address"].value,
            "name": own.get("display_name"),
            "entity": own.get("entity_id") or None,
            "policies": own.get("policies"),
            "accessor": own.get("accessor"),
            "kind": own.get("type"),
            "login_path": own.get("path"),
            "expires": own.get("expire_time"),
            "ttl": own.get("ttl"),
            "uses_left": own.get("num_uses") or None,
            "token_from": session.found_token.source if session.found_token else None,
        }
    )
    return errors.OK
