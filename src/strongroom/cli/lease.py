"""Look up, renew, revoke, list and count leases.

examples:
  strongroom lease lookup LEASE_ID
  strongroom lease revoke --prefix database/creds/app
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.listing import show_keys
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    lookup = parsing.part(to, "lookup", _lookup, "what is known of a lease; exit 1 when there is none")
    renew = parsing.part(to, "renew", _renew, "extend a lease")
    renew.add_argument("--increment", metavar="TIME", help="counted from now")
    for made in (lookup, renew):
        made.add_argument("lease", metavar="LEASE_ID")
    revoke = parsing.confirms(parsing.part(to, "revoke", _revoke, "end a lease, or all below a path"))
    revoke.add_argument("lease", metavar="LEASE_ID", help="with --prefix, the start of lease ids")
    revoke.add_argument("--prefix", action="store_true", help="every lease below the path")
    revoke.add_argument(
        "--force", action="store_true", help="forget the leases even where the secrets cannot be revoked"
    )
    revoke.add_argument("--sync", action="store_true", help="return when it is done")
    listing = parsing.part(to, "list", _list, "list lease ids below a path")
    listing.add_argument("path", metavar="PATH", nargs="?", default="")
    parsing.part(to, "count", _count, "count leases by mount")


def _lookup(session: Session) -> int:
    try:
        answer = session.ask("POST", "sys/leases/lookup", {"lease_id": session.args.lease})
    except Refused as refused:
        if refused.status in (400, 404):
            raise Failure(errors.NEGATIVE, "there is no such lease", "It has ended, or never was.") from None
        raise
    session.output.answer(answer.body)
    return errors.OK


def _renew(session: Session) -> int:
    body = {"lease_id": session.args.lease}
    if session.args.increment:
        body["increment"] = session.args.increment
    answer = session.ask("POST", "sys/leases/renew", body).body
    session.output.facts({name: answer[name] for name in ("lease_id", "lease_duration", "renewable")})
    return errors.OK


def _revoke(session: Session) -> int:
    args = session.args
    below = args.prefix or args.force
    what = f"every lease below {args.lease}" if below else f"the lease {args.lease}"
    blast = "what uses these secrets stops working"
    if args.force:
        blast += "; where they cannot be revoked they stay valid, and nobody will remember them"
    if not confirmed(session, f"revoke {what}", blast):
        return errors.OK
    if below:
        kind = "revoke-force" if args.force else "revoke-prefix"
        session.ask("POST", f"sys/leases/{kind}/{args.lease.strip('/')}", {"sync": args.sync})
    else:
        session.ask("POST", "sys/leases/revoke", {"lease_id": args.lease, "sync": args.sync})
    session.say(f"revoked: {what}")
    return errors.OK


def _list(session: Session) -> int:
    path = f"sys/leases/lookup/{session.args.path.strip('/')}".rstrip("/")
    return show_keys(session, session.seek("LIST", path) or {})


def _count(session: Session) -> int:
    data = session.data(session.ask("GET", "sys/leases/count"))
    if session.output.style in ("json", "yaml") or session.output.field:
        session.output.facts(data)
    else:
        session.output.pairs({**(data.get("counts") or {}), "total": data["lease_count"]})
    return errors.OK
