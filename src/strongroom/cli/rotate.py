"""Rotate a secret now, by its plan.

examples:
  strongroom rotate PLAN --reason "it was in a screenshot"
  strongroom rotate PLAN --dry-run
  strongroom rotate PLAN --wait
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from strongroom.cli.session import Session

ENDED = ("done", "failed", "cancelled")
LOOK_SECONDS = 0.5


def configure(parser: Any) -> None:
    """Declare the options."""
    parsing.whole(parser, _rotate)
    parser.add_argument("plan", metavar="PLAN")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what it would do and who reads the secret"
    )
    parser.add_argument(
        "--wait", action="store_true", help="return when it has ended; exit 1 unless it is done"
    )
    parser.add_argument(
        "--grace", metavar="TIME", help="how long the old one stays valid, instead of the plan's"
    )


def _rotate(session: Session) -> int:
    args = session.args
    if args.dry_run:
        return _preview(session)
    body = {"reason": args.reason or "", **({"grace": args.grace} if args.grace else {})}
    begun = session.data(session.ask("POST", f"rotation/plans/{args.plan}/rotate", body))
    if args.wait:
        return _awaited(session, begun["rotation"])
    session.output.facts(begun)
    return errors.OK


def _preview(session: Session) -> int:
    found = session.data(session.ask("GET", f"rotation/plans/{session.args.plan}/preview"))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(found)
        return errors.OK
    consumers = found.pop("consumers")
    session.output.pairs({**found, "steps": ", ".join(found["steps"])})
    if consumers:
        session.output.rows(consumers)
    else:
        session.say("nobody is known to read it: its grace lasts to the limit")
    return errors.OK


def _awaited(session: Session, rotation: str) -> int:
    """Say each new state, until there is no other."""
    said = ""
    while True:
        found = session.data(session.ask("GET", f"rotation/rotations/{rotation}"))
        if found["state"] != said:
            said = found["state"]
            session.say(f"{rotation}: {said}")
        if said in ENDED:
            break
        time.sleep(LOOK_SECONDS)
    session.output.facts({"rotation": rotation, "state": said, "version": found["new_version"]})
    if said != "done":
        raise Failure(
            errors.NEGATIVE, f"the rotation is {said}", f"at '{found['failed_step']}': {found['error']}"
        )
    return errors.OK
