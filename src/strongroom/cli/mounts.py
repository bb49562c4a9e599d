"""What `strongroom secrets` and `strongroom auth` share: mounts are listed, made, tuned and ended alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.cli import errors, parsing, values
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


class Kind(NamedTuple):
    """What is mounted, where its table is, and what ending it takes along."""

    noun: str
    table: str
    blast: str


ENGINES = Kind(
    "secrets engine", "sys/mounts", "all that is stored in it is deleted, and its leases are revoked"
)
METHODS = Kind(
    "auth method", "sys/auth", "its configuration is deleted, and tokens issued through it are revoked"
)


def configure(parser: argparse.ArgumentParser, kind: Kind) -> parsing.Parts:
    """Declare list, enable, disable and tune."""
    to = parsing.parts(parser)
    parser.set_defaults(kind=kind)
    listing = parsing.asks(parsing.part(to, "list", _list, f"list the {kind.noun}s"))
    listing.add_argument("--detailed", action="store_true", help="with settings")
    enable = parsing.asks(parsing.part(to, "enable", _enable, f"mount {_article(kind)}"))
    enable.add_argument("type", metavar="TYPE", help="the kind of engine")
    enable.add_argument("--path", metavar="PATH", help="where (its type)")
    disable = parsing.asks(
        parsing.confirms(parsing.part(to, "disable", _disable, f"unmount {_article(kind)}"))
    )
    disable.add_argument("path", metavar="PATH")
    tune = parsing.asks(parsing.part(to, "tune", _tune, f"change settings of {_article(kind)}"))
    tune.add_argument("path", metavar="PATH")
    for made in (enable, tune):
        made.add_argument("--description", metavar="TEXT", help="for people")
        made.add_argument("--default-lease-ttl", metavar="TIME", help="life of what it issues")
        made.add_argument("--max-lease-ttl", metavar="TIME", help="longest life")
        made.add_argument("--listing-visibility", choices=("hidden", "unauth"), help="shown before login?")
        made.add_argument("--version", metavar="N", help="of the engine: 1 or 2 for kv")
        made.add_argument(
            "--options", metavar="NAME=VALUE", action="append", default=[], help="of the engine"
        )
    return to


def _article(kind: Kind) -> str:
    return f"an {kind.noun}" if kind.noun[0] == "a" else f"a {kind.noun}"


def _list(session: Session) -> int:
    table: dict[str, dict[str, Any]] = session.data(session.ask("GET", session.args.kind.table))
    if session.output.style in ("json", "yaml"):
        session.output.structure(table)
        return errors.OK
    session.output.rows([_row(path, entry, detailed=session.args.detailed) for path, entry in table.items()])
    return errors.OK


def _row(path: str, entry: dict[str, Any], *, detailed: bool) -> dict[str, Any]:
    row = {
        "path": path,
        "type": entry["type"],
        "accessor": entry["accessor"],
        "description": entry["description"],
    }
    if not detailed:
        return row
    settings = {name: entry["config"].get(name) for name in ("default_lease_ttl", "max_lease_ttl")}
    return {**row, **settings, "options": entry.get("options"), "uuid": entry["uuid"]}


def _enable(session: Session) -> int:
    args = session.args
    path = (args.path or args.type).strip("/")
    body = {
        "type": args.type,
        "description": args.description or "",
        "options": _options(args),
        "config": _config(args),
    }
    session.ask("POST", f"{args.kind.table}/{path}", body)
    session.say(f"mounted: {args.kind.noun} {args.type} at {path}/")
    return errors.OK


def _disable(session: Session) -> int:
    kind, path = session.args.kind, session.args.path.strip("/")
    deed = f"unmount the {kind.noun} at {path}/ on {session.settings['address'].value}"
    if not confirmed(session, deed, kind.blast):
        return errors.OK
    session.ask("DELETE", f"{kind.table}/{path}")
    session.say(f"unmounted: {path}/")
    return errors.OK


def _tune(session: Session) -> int:
    args = session.args
    path, changes = f"{args.kind.table}/{args.path.strip('/')}/tune", _config(args)
    if args.description is not None:
        changes["description"] = args.description
    if _options(args):
        changes["options"] = _options(args)
    if changes:
        session.ask("POST", path, changes)
        session.say(f"tuned: {args.path.strip('/')}/")
    else:
        session.output.answer({"data": session.data(session.ask("GET", path))})
    return errors.OK


def _config(args: argparse.Namespace) -> dict[str, Any]:
    names = ("default_lease_ttl", "max_lease_ttl", "listing_visibility")
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _options(args: argparse.Namespace) -> dict[str, str]:
    version = {"version": args.version} if args.version else {}
    return {**values.pairs(args.options), **version}
