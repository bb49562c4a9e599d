"""List and show background jobs; retry, resume and cancel them.

examples:
  strongroom job list --state failed
  strongroom job show JOB_ID
  strongroom job retry JOB_ID
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

STATES = ("waiting", "running", "sleeping", "done", "failed", "cancelled")
SHOWN = ("kind", "state", "due", "attempts", "error", "failed_step")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    listing = parsing.part(to, "list", _list, "list jobs, the newest first; exit 1 when there are none")
    listing.add_argument("--state", choices=STATES, help="only those")
    listing.add_argument("--kind", metavar="KIND", help="only those of a kind")
    listing.add_argument("--limit", metavar="N", type=int, default=100, help="at most (100)")
    listing.add_argument("--after", metavar="NEXT", help="go on where a page ended")
    show = parsing.part(to, "show", _show, "a job with its steps")
    retry = parsing.part(to, "retry", _retry, "run a failed job again, from the step that failed")
    resume = parsing.part(to, "resume", _resume, "let a sleeping job go on now")
    cancel = parsing.confirms(parsing.part(to, "cancel", _cancel, "end a job before its next step"))
    for made in (show, retry, resume, cancel):
        made.add_argument("job", metavar="JOB_ID")
    parsing.part(to, "schedules", _schedules, "when scheduled jobs run next; exit 1 when there are none")


def _list(session: Session) -> int:
    asked = {name: getattr(session.args, name) for name in ("state", "kind", "limit", "after")}
    query = {name: str(value) for name, value in asked.items() if value}
    found = session.seek("LIST", "sys/jobs", query=query) or {}
    code = _table(session, found, SHOWN)
    if found.get("next"):
        session.say(f"there may be more: --after {found['next']}")
    return code


def _show(session: Session) -> int:
    job = session.data(session.ask("GET", _path(session)))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(job)
        return errors.OK
    steps = job.pop("steps")
    arguments = job.pop("arguments")
    session.output.pairs({**job, **{f"argument {name}": value for name, value in arguments.items()}})
    if steps:
        session.output.rows(steps)
    return errors.OK


def _retry(session: Session) -> int:
    return _post(session, "retry", "goes on at the step that failed")


def _resume(session: Session) -> int:
    return _post(session, "resume", "goes on")


def _cancel(session: Session) -> int:
    job = session.args.job
    if not confirmed(
        session, f"cancel the job {job}", "what its steps have done stays, unless it undoes them"
    ):
        return errors.OK
    return _post(session, "cancel", "ends before its next step")


def _schedules(session: Session) -> int:
    return _table(session, session.seek("LIST", "sys/job-schedules") or {}, ("kind", "next_run", "last_run"))


def _post(session: Session, deed: str, outcome: str) -> int:
    session.ask("POST", f"{_path(session)}/{deed}", {})
    session.say(f"the job {session.args.job} {outcome}")
    return errors.OK


def _path(session: Session) -> str:
    return f"sys/jobs/{session.args.job}"


def _table(session: Session, found: dict[str, Any], columns: tuple[str, ...]) -> int:
    described = found.get("key_info") or {}
    if session.output.style in ("json", "yaml"):
        session.output.structure([{"name": name, **described[name]} for name in found.get("keys") or []])
    else:
        session.output.rows(
            [
                {"name": name, **{column: described[name][column] for column in columns}}
                for name in found.get("keys") or []
            ]
        )
    return errors.OK if found.get("keys") else errors.NEGATIVE
