"""Write, list and show rotation plans; follow, approve and cancel rotations.

examples:
  strongroom rotation plan write app target=@target.toml schedule=weekly grace=1h
  strongroom rotation list
  strongroom rotation overdue
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing, values
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

PLANS = ("kind", "schedule", "state", "next_run", "last_rotation")
RUNS = ("state", "trigger", "created", "ended", "new_version", "error", "failed_step")
LATE = ("late_seconds", "failures")
TABLES = {
    "list": ("rotation/plans", PLANS, "list the plans; exit 1 when there are none"),
    "active": (
        "rotation/rotations",
        ("plan", *RUNS),
        "list the rotations under way; exit 1 when there are none",
    ),
    "overdue": ("rotation/overdue", LATE, "list the plans that are late; exit 1 when there are none"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    for name, (_, _, summary) in TABLES.items():
        parsing.part(to, name, _table, summary)
    parsing.part(to, "show", _show, "a rotation with its steps").add_argument("id", metavar="ROTATION")
    history = parsing.part(to, "history", _history, "a plan's rotations, the newest first")
    history.add_argument("plan", metavar="PLAN")
    history.add_argument("--limit", metavar="N", type=int, default=50, help="at most (50)")
    approve = parsing.part(to, "approve", _approve, "let a rotation begin that someone else asked for")
    hurry = parsing.confirms(parsing.part(to, "end-grace", _end_grace, "end the old credential now"))
    cancel = parsing.confirms(parsing.part(to, "cancel", _cancel, "take a rotation back"))
    cancel.add_argument("--force", action="store_true", help="also one whose old credential cannot be ended")
    for made in (approve, hurry, cancel):
        made.add_argument("id", metavar="ROTATION")
    _plans(to.add_parser("plan", help="write, show and delete plans", description="Plans."))


def _plans(parser: Any) -> None:
    to = parsing.parts(parser)
    write = parsing.part(
        to, "write", _write, "write a plan; what is not named stays as it is", examples=[
            "strongroom rotation plan write app target=@target.toml schedule=weekly grace=1h",
            "strongroom rotation plan write app paused=true",
        ],
    )  # fmt: skip
    write.add_argument("plan", metavar="PLAN")
    write.add_argument("fields", metavar="FIELD", nargs="+", help=values.FORMS)
    parsing.part(to, "show", _show_plan, "a plan, and where it stands").add_argument("plan", metavar="PLAN")
    delete = parsing.confirms(parsing.part(to, "delete", _delete, "forget a plan; the credential stays"))
    delete.add_argument("plan", metavar="PLAN")


def _table(session: Session) -> int:
    path, columns, _ = TABLES[session.args.part]
    return _listed(session, session.seek("LIST", path) or {}, columns)


def _history(session: Session) -> int:
    query = {"limit": str(session.args.limit)}
    found = session.seek("LIST", f"rotation/plans/{session.args.plan}/history", query=query) or {}
    return _listed(session, found, RUNS)


def _show(session: Session) -> int:
    found = session.data(session.ask("GET", f"rotation/rotations/{session.args.id}"))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(found)
        return errors.OK
    steps = found.pop("steps")
    session.output.pairs({**found, "late_consumers": ", ".join(found["late_consumers"])})
    if steps:
        session.output.rows(steps)
    return errors.OK


def _show_plan(session: Session) -> int:
    session.output.facts(session.data(session.ask("GET", f"rotation/plans/{session.args.plan}")))
    return errors.OK


def _write(session: Session) -> int:
    session.ask("POST", f"rotation/plans/{session.args.plan}", values.fields(session, session.args.fields))
    session.say(f"the plan {session.args.plan} is written")
    return errors.OK


def _delete(session: Session) -> int:
    plan = session.args.plan
    if confirmed(session, f"delete the plan {plan}", "the credential in force stays; it is rotated no more"):
        session.ask("DELETE", f"rotation/plans/{plan}")
        session.say(f"the plan {plan} is deleted")
    return errors.OK


def _approve(session: Session) -> int:
    session.ask("POST", f"rotation/rotations/{session.args.id}/approve", {})
    session.say("approved: it begins")
    return errors.OK


def _end_grace(session: Session) -> int:
    one = session.args.id
    if confirmed(session, f"end the grace of {one}", "who has not fetched the new version is locked out"):
        session.ask("POST", f"rotation/rotations/{one}/end-grace", {})
        session.say("the old credential is being ended")
    return errors.OK


def _cancel(session: Session) -> int:
    one = session.args.id
    if confirmed(session, f"cancel the rotation {one}", "the old credential stays in force"):
        session.ask("POST", f"rotation/rotations/{one}/cancel", {"force": session.args.force})
        session.say(f"the rotation {one} is taken back")
    return errors.OK


def _listed(session: Session, found: dict[str, Any], columns: tuple[str, ...]) -> int:
    described = found.get("key_info") or {}
    if session.output.style in ("json", "yaml"):
        session.output.structure([{"name": name, **described[name]} for name in found.get("keys") or []])
    else:
        rows = [
            {"name": name, **{column: _text(described[name].get(column)) for column in columns}}
            for name in found.get("keys") or []
        ]
        session.output.rows(rows)
    return errors.OK if found.get("keys") else errors.NEGATIVE


def _text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
