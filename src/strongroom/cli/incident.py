"""Incidents: list, show, open, run and approve their playbooks, and take their evidence.

examples:
  strongroom incident list
  strongroom incident show 7
  strongroom incident approve 7 --because 'the key is in a public gist'
  strongroom incident done 7 rotate 'rolled in the dashboard, deployed'
  strongroom incident evidence 7 -o incident-7.zip
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

STATES = ("open", "approval", "containing", "by_hand", "contained", "closed", "all")
SEVERITIES = ("low", "medium", "high", "critical")
MODES = ("automatic", "approval", "manual")
SHOWN = ("severity", "state", "title", "playbook", "waiting_for", "opened")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    listing = parsing.part(to, "list", _list, "list incidents, the newest first; exit 1 when there are none")
    listing.add_argument("--state", choices=STATES, help="only those (those that are not closed)")
    listing.add_argument("--limit", metavar="N", type=int, default=100, help="at most (100)")
    opening = parsing.part(to, "open", _open, "open an incident for a finding")
    opening.add_argument("finding", metavar="FINDING", help="its id, or the beginning of it")
    opening.add_argument("--playbook", metavar="NAME", default="", help="instead of the one that fits")
    opening.add_argument("--mode", choices=MODES, help="instead of the playbook's")
    show = parsing.part(to, "show", _show, "an incident with its steps and timeline")
    run = parsing.part(to, "run", _post, "run the playbook, or ask for its approval")
    approve = parsing.part(to, "approve", _post, "let a playbook run that someone else asked for")
    close = parsing.part(to, "close", _post, "close an incident whose playbook has not begun")
    done = parsing.part(to, "done", _done, "say that a step left to people is done")
    note = parsing.part(to, "note", _note, "add to the timeline")
    evidence = parsing.part(to, "evidence", _evidence, "write the evidence file, which proves itself")
    for made in (show, run, approve, close, done, note, evidence):
        made.add_argument("incident", metavar="ID")
    for made in (opening, run, approve, close):
        made.add_argument("--because", metavar="TEXT", default="", help="why")
    done.add_argument("step", metavar="STEP")
    for made in (done, note):
        made.add_argument("text", metavar="TEXT")
    evidence.add_argument("-o", "--output", metavar="FILE", required=True, help="where to write it")
    parsing.part(to, "playbooks", _playbooks, "list the playbooks")
    playbook = parsing.part(to, "playbook", _playbook, "print a playbook, or keep one of yours")
    playbook.add_argument("name", metavar="NAME")
    playbook.add_argument("file", metavar="FILE", nargs="?", help="TOML to keep; - is standard input")
    settings = parsing.part(
        to, "settings", _settings, "when findings become incidents, and how they are answered"
    )
    settings.add_argument("--open-at", choices=SEVERITIES, help="from this severity on")
    settings.add_argument(
        "--answer", metavar="SEVERITY=MODE", action="append", default=[],
        help="a mode that wins over the playbooks'",
    )  # fmt: skip


def _list(session: Session) -> int:
    query = {
        name: str(getattr(session.args, name)) for name in ("state", "limit") if getattr(session.args, name)
    }
    found = session.seek("LIST", "incidents", query=query) or {}
    listed = [found["key_info"][id] for id in found.get("keys") or []]
    if session.output.style in ("json", "yaml"):
        session.output.structure(listed)
    else:
        session.output.rows([{"id": each["id"], **{name: each[name] for name in SHOWN}} for each in listed])
    return errors.OK if listed else errors.NEGATIVE


def _open(session: Session) -> int:
    args = session.args
    body = {"finding": args.finding, "playbook": args.playbook, "reason": args.because}
    if args.mode:
        body["mode"] = args.mode
    made = session.data(session.ask("POST", "incidents/open", body))
    session.say(f"incident {made['id']} is {made['state']} ({made['playbook']}, {made['mode']})")
    return errors.OK


def _show(session: Session) -> int:
    incident = session.data(session.ask("GET", _path(session)))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(incident)
        return errors.OK
    parts = {name: incident.pop(name) for name in ("steps", "timeline", "approvals", "rotations")}
    shown = {name: _cell(value) for name, value in incident.items() if value not in ("", None, [])}
    session.output.pairs(shown)
    for rows in (parts["rotations"], parts["approvals"], parts["steps"], parts["timeline"]):
        if rows:
            sys.stdout.write("\n")
            session.output.rows(
                [{name: "" if cell is None else cell for name, cell in row.items()} for row in rows]
            )
    return errors.OK


def _post(session: Session) -> int:
    body = {"reason": session.args.because}
    return _told(session, session.ask("POST", f"{_path(session)}/{session.args.part}", body))


def _done(session: Session) -> int:
    body = {"step": session.args.step, "text": session.args.text}
    return _told(session, session.ask("POST", f"{_path(session)}/done", body))


def _note(session: Session) -> int:
    return _told(session, session.ask("POST", f"{_path(session)}/note", {"text": session.args.text}))


def _told(session: Session, answer: Any) -> int:
    incident = session.data(answer)
    session.say(f"incident {incident['id']} is {incident['state']}")
    return errors.OK


def _evidence(session: Session) -> int:
    content = session.ask("GET", f"{_path(session)}/evidence", raw=True).raw
    name = session.args.output
    try:
        with os.fdopen(
            os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(content)
    except FileExistsError:
        raise Failure(
            errors.USAGE, f"{name} exists", "Evidence is never overwritten.", "Choose another name."
        ) from None
    except OSError as error:
        raise Failure(errors.USAGE, f"{name}: {error.strerror}") from None
    session.say(f"wrote {name}; check it anywhere: strongroom evidence verify {name}")
    return errors.OK


def _playbooks(session: Session) -> int:
    session.output.names((session.seek("LIST", "incidents/playbooks") or {}).get("keys", []))
    return errors.OK


def _playbook(session: Session) -> int:
    path = f"incidents/playbooks/{session.args.name}"
    if session.args.file is None:
        sys.stdout.write(session.data(session.ask("GET", path))["text"])
        return errors.OK
    try:
        if session.args.file == "-":
            text = sys.stdin.read()
        else:
            with open(session.args.file, encoding="utf-8") as file:  # noqa: PTH123
                text = file.read()
    except (OSError, UnicodeDecodeError):
        raise Failure(errors.USAGE, f"{session.args.file} cannot be read") from None
    made = session.data(session.ask("POST", path, {"text": text}))
    session.say(f"{made['name']}: {', '.join(made['steps'])}")
    return errors.OK


def _settings(session: Session) -> int:
    args = session.args
    body: dict[str, Any] = {"open_at": args.open_at} if args.open_at else {}
    if args.answer:
        pairs = [text.partition("=") for text in args.answer]
        if any(severity not in SEVERITIES or mode not in MODES for severity, _, mode in pairs):
            raise Failure(errors.USAGE, "--answer is SEVERITY=MODE", f"Modes are {', '.join(MODES)}.")
        body["modes"] = {severity: mode for severity, _, mode in pairs}
    answer = session.ask("POST", "incidents/config", body) if body else session.ask("GET", "incidents/config")
    session.output.facts(session.data(answer))
    return errors.OK


def _path(session: Session) -> str:
    return f"incidents/{session.args.incident}"


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
