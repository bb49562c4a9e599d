"""Adopt secrets that lie in files or in another vault: store them, put references in their place.

examples:
  strongroom adopt files . --to secret/team/app --owner ann@example.com --dry-run
  strongroom adopt files src/config --to secret/team/app --replace
  strongroom adopt dotenv .env --to secret/team/env --replace
  strongroom adopt vault --from https://old-vault:8200
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.adopt import peer
from strongroom.cli.adopt.drafts import found_in_dotenv, found_in_files
from strongroom.cli.adopt.rewriting import Edit, replaced
from strongroom.cli.adopt.shelf import FACTS, Slot, slots
from strongroom.cli.prompt import confirmed
from strongroom.cli.references import reference

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.adopt.drafts import Draft, Spot
    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    files = parsing.part(to, "files", _files, "find secrets in files and folders, and adopt them")
    files.add_argument("paths", metavar="PATH", nargs="+", help="files and folders")
    files.add_argument(
        "--min-confidence", choices=("low", "medium", "high"), default="medium",
        help="leave out weaker findings (medium)",
    )  # fmt: skip
    files.add_argument(
        "--exclude", metavar="GLOB", action="append", default=[], help="leave out matching paths"
    )
    files.add_argument("--no-ignore", action="store_true", help="read what git ignores, too")
    dotenv = parsing.part(to, "dotenv", _dotenv, "adopt the variables of a .env file")
    dotenv.add_argument("file", metavar="FILE")
    dotenv.add_argument("--only", metavar="NAME", action="append", default=[], help="these variables only")
    for made in (files, dotenv):
        parsing.confirms(made)
        made.set_defaults(mount=None)
        made.add_argument("--to", metavar="PATH", required=True, help="the secret, or the folder of secrets")
        made.add_argument("--replace", action="store_true", help="put references where the secrets stood")
        for fact in FACTS:
            made.add_argument(f"--{fact}", metavar="TEXT", help="custom metadata of what is stored")
    peer.configure(to)


def _files(session: Session) -> int:
    from strongroom.cli import scan, scan_options, scan_sources  # noqa: PLC0415 (the scanner, for this only)

    args = session.args
    chosen = scan_options.defaults(
        paths=args.paths,
        min_confidence=args.min_confidence,
        exclude=args.exclude,
        no_ignore=args.no_ignore,
        quiet=True,
    )
    options: Any = type(args)(**chosen)
    report = scan.find(options, *scan_sources.make_source(options))
    for warning in report.warnings:
        session.warn(session.output.printable(warning))
    alone = len(args.paths) == 1 and os.path.isfile(args.paths[0])  # noqa: PTH113 (text is all that is needed)
    root = "" if alone else _root(args.paths)
    drafts, odd = found_in_files(report.open, args.to.strip("/"), root)
    odd += [
        f"{one.occurrences[0].provenance.shown}: the {one.detector.name} stands in {one.unlisted} more places"
        for one in report.open
        if one.unlisted
    ]
    for line in odd:
        session.warn(session.output.printable(line))
    return _adopt(session, drafts)


def _root(paths: list[str]) -> str:
    """The folder that all paths are below."""
    real = [os.path.realpath(path) for path in paths]
    common = os.path.commonpath(real)
    return common if os.path.isdir(common) else os.path.dirname(common)  # noqa: PTH112, PTH120 (same)


def _dotenv(session: Session) -> int:
    return _adopt(session, found_in_dotenv(session.args.file, session.args.to.strip("/"), session.args.only))


def _adopt(session: Session, drafts: list[Draft]) -> int:
    if not drafts:
        session.say("no secrets were found")
        return errors.NEGATIVE
    places = slots(session, drafts)
    if session.args.dry_run:
        _show(session, places, set())
    files = sorted({spot.file for draft in drafts for spot in draft.spots})
    blast = [f"references take their place in {len(files)} files"] if session.args.replace else []
    deed = f"adopt {len(drafts)} values into {len(places)} secrets below {session.args.to}"
    if not confirmed(session, deed, *blast):
        return errors.OK
    for slot in places:
        slot.write(_facts(session, slot), f"adopted from {slot.settled[0].draft.spots[0].shown}")
    moved = _rewritten(session, places) if session.args.replace else set()
    _show(session, places, moved)
    session.say("whoever could read those files knows these values: rotate them where they are issued")
    left = [spot for spot in _spots(places) if spot not in moved] if session.args.replace else []
    if left:
        session.warn(f"{len(left)} places could not be rewritten: change them by hand")
    return errors.NEGATIVE if left else errors.OK


def _facts(session: Session, slot: Slot) -> dict[str, str]:
    given = {fact: value for fact in FACTS if (value := getattr(session.args, fact))}
    return {**given, "adopted_from": slot.settled[0].draft.spots[0].file[-500:]}


def _spots(places: list[Slot]) -> list[Spot]:
    return [spot for slot in places for one in slot.settled for spot in one.draft.spots]


def _rewritten(session: Session, places: list[Slot]) -> set[Spot]:
    """Rewrite file by file; one that cannot be is told and left."""
    edits: dict[str, list[Edit]] = {}
    for slot in places:
        for draft, field, _ in slot.settled:
            put = reference(slot.place.shown, field).encode()
            for spot in draft.spots:
                edits.setdefault(spot.file, []).append(Edit(spot, put))
    moved: set[Spot] = set()
    for file, wanted in sorted(edits.items()):
        try:
            moved |= replaced(file, wanted)
        except OSError as error:
            session.warn(session.output.printable(f"{file} stays as it is: {error.strerror}"))
    return moved


def _show(session: Session, places: list[Slot], moved: set[Spot]) -> None:
    rows = [
        {
            "place": spot.shown,
            "kind": one.draft.kind,
            "secret": slot.place.shown,
            "field": one.field,
            "vault": "there already" if one.there else "new",
            "file": "reference" if spot in moved else "value",
        }
        for slot in places
        for one in slot.settled
        for spot in one.draft.spots
    ]
    session.output.rows(rows)
