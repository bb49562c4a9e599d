"""What is known of each secret: owners, readers, age; which are unused, ownerless, kept twice or too old.

examples:
  strongroom inventory list
  strongroom inventory show secret/app/db
  strongroom inventory unused --days 90
  strongroom inventory leaver userpass-ann
  strongroom inventory require secret owner,purpose
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

PAGE = 1000
LISTINGS = {
    "list": "every secret",
    "unused": "secrets that nobody has read or written for so long",
    "expiring": "secrets whose lifespan ends soon, or that are deleted by themselves soon",
    "ownerless": "secrets without an owner",
    "over-age": "secrets that were rotated too long ago",
}
DAYS = {"unused": 90, "expiring": 30, "over-age": 365}
SHOWN = (
    "path",
    "owner",
    "environment",
    "classification",
    "version",
    "age_days",
    "last_rotation",
    "last_read",
)
ENDS = ("path", "owner", "environment", "version", "lifespan", "last_rotation", "expires")
LEFT = ("path", "rotate", "reads", "last_read", "could_read", "owner")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    for name, about in LISTINGS.items():
        made = parsing.part(to, name, _listing, f"{about}; exit 1 when there are none")
        if name in DAYS:
            made.add_argument("--days", metavar="N", type=int, help=f"how long ({DAYS[name]})")
        made.set_defaults(listing="all" if name == "list" else name)
    parsing.part(
        to, "duplicate", _duplicate, "values that more than one secret holds; exit 1 when there are none"
    )
    show = parsing.part(to, "show", _show, "a secret, with everyone who has read it")
    show.add_argument("path", metavar="PATH", help="its path, the mount's included: secret/app/db")
    parsing.part(to, "readers", _readers, "everyone who was seen reading; exit 1 when nobody was")
    leaver = parsing.part(
        to, "leaver", _leaver, "what someone has read or could read, and what to rotate when they leave"
    )
    leaver.add_argument("identity", metavar="IDENTITY", help="as `readers` names it")
    require = parsing.part(
        to, "require", _require, "want custom metadata of each secret of a mount; or show what it wants"
    )
    require.add_argument("mount", metavar="MOUNT")
    require.add_argument("facts", metavar="FACTS", nargs="?", help='such as owner,purpose; "" for none')
    parsing.part(to, "index", _index, "how many values the fingerprint index has")


def _listing(session: Session) -> int:
    name, days = session.args.listing, getattr(session.args, "days", None)
    query = {"days": str(days)} if days is not None else {}
    found = _pages(session, name, "secrets", query)
    if session.output.style in ("json", "yaml"):
        session.output.structure(found)
    else:
        columns = ENDS if name == "expiring" else SHOWN
        session.output.rows([{column: secret[column] for column in columns} for secret in found])
    return errors.OK if found else errors.NEGATIVE


def _duplicate(session: Session) -> int:
    found = _pages(session, "duplicate", "duplicates", {})
    if session.output.style in ("json", "yaml"):
        session.output.structure(found)
    else:
        rows = [{"value": group["id"], "held_as": name} for group in found for name in group["held_as"]]
        session.output.rows(rows)
    return errors.OK if found else errors.NEGATIVE


def _pages(session: Session, report: str, member: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """All of a listing, page by page."""
    found: list[dict[str, Any]] = []
    asked = {**query, "limit": str(PAGE)}
    while True:
        page = session.data(session.ask("GET", f"inventory/reports/{report}", query=asked))
        found += page[member]
        if not page["next"]:
            return found
        asked["after"] = page["next"]


def _show(session: Session) -> int:
    secret = session.data(session.ask("GET", f"inventory/secrets/{session.args.path}"))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(secret)
        return errors.OK
    readers = secret.pop("readers")
    session.output.pairs(secret)
    if readers:
        rows = [{"reader": name, **_reader(reader)} for name, reader in sorted(readers.items())]
        session.output.rows(rows)
    return errors.OK


def _reader(reader: dict[str, Any]) -> dict[str, Any]:
    return {**reader, "versions": ", ".join(version for version in reader["versions"])}


def _readers(session: Session) -> int:
    names: list[str] = []
    query = {"limit": str(PAGE)}
    while page := (session.seek("LIST", "inventory/readers", query=query) or {}).get("keys"):
        names += page
        query["after"] = page[-1]
    session.output.names(names)
    return errors.OK if names else errors.NEGATIVE


def _leaver(session: Session) -> int:
    leaver = session.data(session.ask("GET", f"inventory/readers/{session.args.identity}"))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(leaver)
        return errors.OK
    session.output.rows([{column: secret[column] for column in LEFT} for secret in leaver["secrets"]])
    due = sum(secret["rotate"] for secret in leaver["secrets"])
    session.say(f"{due} of {len(leaver['secrets'])} hold what {leaver['identity']} has read: rotate them")
    return errors.OK


def _require(session: Session) -> int:
    path = f"inventory/mounts/{session.args.mount}"
    if session.args.facts is None:
        session.output.names(session.data(session.ask("GET", path))["required"])
        return errors.OK
    session.ask("POST", path, {"required": session.args.facts})
    session.say(
        f"{session.args.mount}: secrets are written with these facts only: {session.args.facts or 'none'}"
    )
    return errors.OK


def _index(session: Session) -> int:
    session.output.facts(session.data(session.ask("GET", "inventory/fingerprints")))
    return errors.OK
