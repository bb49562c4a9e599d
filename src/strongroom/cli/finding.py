"""Leaked secrets: list, show, take on, put to rest; who read them; report other tools' results.

examples:
  strongroom finding list --severity critical
  strongroom finding show 3f9a
  strongroom finding exposure 3f9a
  strongroom finding assign 3f9a ann@example.com
  strongroom finding ignore 3f9a --because 'test data' --for 90d
  strongroom finding ingest gitleaks.sarif --source git@example.com:app.git
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

STATES = ("open", "triaged", "in_progress", "resolved", "ignored", "false_positive", "all")
SEVERITIES = ("low", "medium", "high", "critical")
SHOWN = ("severity", "state", "name", "place", "secrets", "assignee", "incident")
LARGEST = 256 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    listing = parsing.part(to, "list", _list, "list findings, the worst first; exit 1 when there are none")
    listing.add_argument("--state", choices=STATES, help="only those (those that need someone)")
    listing.add_argument("--severity", choices=SEVERITIES, help="only those")
    listing.add_argument("--assignee", metavar="WHO", help="only those of someone")
    listing.add_argument("--source", metavar="NAME", help="only those seen there")
    listing.add_argument("--limit", metavar="N", type=int, default=100, help="at most (100)")
    listing.add_argument("--after", metavar="NEXT", help="go on where a page ended")
    _single(to)
    ingest = parsing.part(
        to, "ingest", _ingest, "report a file of findings: ours as JSON, or any tool's SARIF"
    )
    ingest.add_argument("file", metavar="FILE", help="- is standard input")
    ingest.add_argument(
        "--source", metavar="NAME", required=True, help="what was scanned, named the same each time"
    )
    ingest.add_argument("--public", action="store_true", help="the public can see it")
    ingest.add_argument("--fingerprint-key", metavar="FILE", default="", help="key for private fingerprints")
    parsing.part(to, "sources", _sources, "what is scanned, and when it last was; exit 1 when nothing is")
    rescan = parsing.part(to, "rescan", _rescan, "ask whoever watches a source for a scan")
    rescan.add_argument("source", metavar="NAME")


def _single(to: parsing.Parts) -> None:
    """The subcommands about one finding."""
    show = parsing.part(to, "show", _show, "a finding with its places and timeline")
    exposed = parsing.part(to, "exposure", _exposure, "how long it was usable while exposed, and who read it")
    assign = parsing.part(to, "assign", _assign, "say whose it is")
    note = parsing.part(to, "note", _note, "add to the timeline")
    severity = parsing.part(to, "severity", _severity, "set the severity, or give it back to the facts")
    moves = [
        parsing.part(to, name, _move, about)
        for name, about in (
            ("triage", "it is a secret; someone will act"),
            ("start", "someone acts"),
            ("resolve", "it is over"),
            ("reopen", "it is not over"),
            ("ignore", "leave it, for a reason, perhaps for some time"),
            ("false-positive", "it is no secret"),
        )
    ]
    for made in (show, exposed, assign, note, severity, *moves):
        made.add_argument("finding", metavar="FINDING", help="its id, or the beginning of it")
    for made in moves:
        made.add_argument("--because", metavar="TEXT", default="", help="why")
        made.add_argument(
            "--for", dest="ttl", metavar="TIME", default="", help="ignore: until it counts again"
        )
    assign.add_argument("who", metavar="WHO")
    note.add_argument("text", metavar="TEXT")
    severity.add_argument("severity", metavar="SEVERITY", choices=(*SEVERITIES, "auto"))


def _list(session: Session) -> int:
    names = ("state", "severity", "assignee", "source", "limit", "after")
    query = {name: str(getattr(session.args, name)) for name in names if getattr(session.args, name)}
    found = session.seek("LIST", "findings", query=query) or {}
    listed = [found["key_info"][id] for id in found.get("keys") or []]
    if session.output.style in ("json", "yaml"):
        session.output.structure(listed)
    else:
        session.output.rows(
            [{"id": each["id"], **{name: _cell(each[name]) for name in SHOWN}} for each in listed]
        )
    if found.get("next"):
        session.say(f"there may be more: --after {found['next']}")
    return errors.OK if listed else errors.NEGATIVE


def _show(session: Session) -> int:
    finding = session.data(session.ask("GET", _path(session)))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(finding)
        return errors.OK
    parts = {name: finding.pop(name) for name in ("occurrences", "timeline", "suggested_owners", "held")}
    session.output.pairs(
        {name: _cell(value) for name, value in finding.items() if value not in ("", None, [])}
    )
    for rows in (
        parts["suggested_owners"],
        [_place(each) for each in parts["occurrences"]],
        parts["timeline"],
    ):
        if rows:
            sys.stdout.write("\n")
            session.output.rows(rows)
    return errors.OK


def _place(place: dict[str, Any]) -> dict[str, Any]:
    inside = "!".join((place.get("path", "stdin"), *place.get("inside", [])))
    return {
        "place": f"{inside}:{place.get('line', 0)}",
        "commit": place.get("commit", "")[:12],
        "author": place.get("email") or place.get("author", ""),
        "date": place.get("date", ""),
        "gone": place.get("gone") or "",
    }


def _exposure(session: Session) -> int:
    found = session.data(session.ask("GET", f"{_path(session)}/exposure"))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(found)
        return errors.OK
    if not found["windows"]:
        session.say("it is no value of this vault: nobody's reads are known")
        return errors.NEGATIVE
    for window in found["windows"]:
        readers = window.pop("readers")
        kept = (
            "secret",
            "usable_from",
            "usable_until",
            "ended_by",
            "exposed_from",
            "seconds_usable_and_exposed",
        )
        session.output.pairs({name: window[name] for name in kept})
        for text in window["differences"]:
            session.warn(text)
        if readers:
            columns = ("identity", "first", "last", "count", "addresses", "while_exposed")
            sys.stdout.write("\n")
            session.output.rows([{name: _cell(each[name]) for name in columns} for each in readers])
    return errors.OK


def _assign(session: Session) -> int:
    return _change(session, {"assignee": session.args.who})


def _note(session: Session) -> int:
    return _change(session, {"note": session.args.text})


def _severity(session: Session) -> int:
    chosen = session.args.severity
    return _change(session, {"severity": "" if chosen == "auto" else chosen})


def _move(session: Session) -> int:
    states = {
        "triage": "triaged",
        "start": "in_progress",
        "resolve": "resolved",
        "reopen": "open",
        "ignore": "ignored",
        "false-positive": "false_positive",
    }
    body = {"state": states[session.args.part], "reason": session.args.because}
    if session.args.ttl:
        body["ttl"] = session.args.ttl
    return _change(session, body)


def _change(session: Session, body: dict[str, str]) -> int:
    changed = session.data(session.ask("POST", _path(session), body))
    session.say(f"{changed['id']} is {changed['severity']}, {changed['state']}")
    return errors.OK


def _ingest(session: Session) -> int:
    from strongroom.cli import finding_sarif, finding_upload  # noqa: PLC0415 (for reports only)
    from strongroom.scanner.fingerprint import PUBLIC_KEY, read_key  # noqa: PLC0415

    document = _read(session.args.file)
    key_file = session.args.fingerprint_key
    key = read_key(key_file) if key_file else PUBLIC_KEY
    found = finding_sarif.findings(document, key) if finding_sarif.is_sarif(document) else _ours(document)
    scanned = finding_upload.Scanned(session.args.source, public=session.args.public)
    sent = finding_upload.send(session.client, found, scanned)
    if session.output.style in ("json", "yaml"):
        session.output.structure(sent._asdict())
    else:
        session.say(finding_upload.told(sent))
    return errors.OK


def _read(name: str) -> bytes:
    try:
        if name == "-":
            document = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with open(name, "rb") as file:  # noqa: PTH123 (a size is enforced)
                document = file.read(LARGEST + 1)
    except OSError as error:
        raise Failure(errors.USAGE, f"{name}: {error.strerror}") from None
    if len(document) > LARGEST:
        raise Failure(errors.USAGE, f"{name} has more than {LARGEST >> 20} MiB")
    return document


def _ours(document: bytes) -> list[dict[str, Any]]:
    """The findings of our own JSON report that count."""
    import msgspec  # noqa: PLC0415 (for reports only)

    try:
        report = msgspec.json.decode(document)
        found = report["findings"]
        return [each for each in found if not each.get("suppressed")]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError, AttributeError):
        raise Failure(
            errors.USAGE,
            "this is neither a report of `strongroom scan --format json` nor SARIF",
            next_step="Try `strongroom scan . --format json -o report.json`.",
        ) from None


def _sources(session: Session) -> int:
    found = session.seek("LIST", "findings/sources") or {}
    session.output.rows([found["key_info"][name] for name in found.get("keys") or []])
    return errors.OK if found.get("keys") else errors.NEGATIVE


def _rescan(session: Session) -> int:
    session.ask("POST", "findings/source", {"source": session.args.source})
    session.say("a scan is asked for; `strongroom watch` sees it")
    return errors.OK


def _path(session: Session) -> str:
    return f"findings/{session.args.finding}"


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
