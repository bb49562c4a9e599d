"""Create, look up, renew and revoke tokens.

examples:
  strongroom token create --policy dev --ttl 1h
  strongroom token lookup
  strongroom token revoke --accessor ACCESSOR
  strongroom token capabilities secret/data/app

A token is named by its accessor, or given on standard input with `-`; without either it is your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing, tokens, values
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.listing import show_keys
from strongroom.cli.prompt import confirmed, word

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

AREA = "auth/token"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    _configure_create(to)
    lookup = parsing.part(to, "lookup", _lookup, "what is known of a token; exit 1 when it is not valid")
    renew = parsing.part(to, "renew", _renew, "extend a token")
    renew.add_argument("--increment", metavar="TIME", help="counted from now")
    revoke = parsing.confirms(parsing.part(to, "revoke", _revoke, "end a token and those made with it"))
    revoke.add_argument("--mode", choices=("orphan",), help="orphan: those made with it live on")
    for made in (lookup, renew, revoke):
        _names_token(made)
    able = parsing.part(to, "capabilities", _capabilities, "what a token may do on paths")
    able.add_argument("paths", metavar="PATH", nargs="+")
    able.add_argument("--accessor", metavar="ACCESSOR", help="of this token (your own)")
    parsing.part(to, "list", _list, "list the accessors of all tokens")


def _names_token(parser: parsing.Parser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("token", metavar="TOKEN", nargs="?", help="`-` reads it from standard input")
    which.add_argument("--accessor", metavar="ACCESSOR", help="the token of this accessor")
    which.add_argument("--self", action="store_true", help="your own")


def _configure_create(to: parsing.Parts) -> None:
    create = parsing.asks(
        parsing.part(
            to, "create", _create, "make a token",
            examples=(
                "strongroom token create --policy dev --ttl 1h",
                "strongroom token create --wrap-ttl 5m --policy ci",
            ),
        )
    )  # fmt: skip
    create.add_argument("--policy", metavar="NAME", action="append", help="what it may do (what you may)")
    create.add_argument("--ttl", metavar="TIME", help="how long it lives")
    create.add_argument("--explicit-max-ttl", metavar="TIME", help="never longer than this")
    create.add_argument("--period", metavar="TIME", help="lives on while renewed this often")
    create.add_argument("--use-limit", metavar="N", type=int, help="how many requests it may make")
    create.add_argument("--type", choices=("service", "batch"), help="service (default) or batch")
    create.add_argument("--display-name", metavar="NAME", help="for the audit log")
    create.add_argument(
        "--metadata", metavar="NAME=VALUE", action="append", default=[], help="for the audit log"
    )
    create.add_argument("--role", metavar="NAME", help="through this token role")
    create.add_argument("--orphan", action="store_true", help="outlives your own token")
    create.add_argument("--no-default-policy", action="store_true", help="without the policy `default`")
    create.add_argument("--not-renewable", action="store_true", help="cannot be extended")


def _create(session: Session) -> int:
    args = session.args
    named = {
        "policies": args.policy,
        "ttl": args.ttl,
        "explicit_max_ttl": args.explicit_max_ttl,
        "period": args.period,
        "num_uses": args.use_limit,
        "type": args.type,
        "display_name": args.display_name,
        "meta": values.pairs(args.metadata) or None,
        "no_parent": args.orphan or None,
        "no_default_policy": args.no_default_policy or None,
        "renewable": False if args.not_renewable else None,
    }
    path = f"{AREA}/create" + (f"/{args.role}" if args.role else "")
    answer = session.ask("POST", path, {name: value for name, value in named.items() if value is not None})
    body = answer.body
    if session.output.field == "token" and body.get("auth"):
        session.output.one(body["auth"]["client_token"])
    else:
        session.output.answer(body)
    return errors.OK


def _target(session: Session, verb: str) -> tuple[str, dict[str, Any]]:
    """The path and the body that name the token."""
    args = session.args
    if args.accessor:
        return f"{AREA}/{verb}-accessor", {"accessor": args.accessor}
    if args.token:
        if args.token != "-" and not args.no_warn:
            session.warn("a token on the command line is seen by `ps`; give `-` and pipe it in")
        return f"{AREA}/{verb}", {"token": word(args.token, "token").reveal()}
    return f"{AREA}/{verb}-self", {}


def _lookup(session: Session) -> int:
    path, body = _target(session, "lookup")
    try:
        answer = session.ask("POST", path, body)
    except Refused as refused:
        if {"bad token", "invalid accessor"} & set(refused.messages):
            raise Failure(errors.NEGATIVE, "there is no such token", "It has ended, or never was.") from None
        raise
    hidden = {"id": "n/a"} if path.endswith("-self") and session.output.terminal else {}
    answer.body["data"] |= hidden if not session.args.show_secrets else {}
    session.output.answer(answer.body)
    return errors.OK


def _renew(session: Session) -> int:
    path, body = _target(session, "renew")
    if session.args.increment:
        body["increment"] = session.args.increment
    session.output.answer(session.ask("POST", path, body).body)
    return errors.OK


def _revoke(session: Session) -> int:
    args = session.args
    own = not args.accessor and not args.token
    if own and not args.self:
        raise Failure(
            errors.USAGE, "no token is named", "", "Give --accessor, `-` on standard input, or --self."
        )
    path, body = _target(session, "revoke")
    if args.mode == "orphan":
        if args.accessor or own:
            raise Failure(
                errors.USAGE, "--mode orphan needs the token itself", "", "Pipe it in: … | token revoke -"
            )
        path = f"{AREA}/revoke-orphan"
    what = (
        f"the token of accessor {args.accessor}"
        if args.accessor
        else "your own token"
        if own
        else "this token"
    )
    blast = (
        "tokens made with it live on" if args.mode else "tokens made with it and the secrets they got end too"
    )
    if not confirmed(session, f"revoke {what}", blast):
        return errors.OK
    session.ask("POST", path, body)
    if own:
        tokens.forget(session.place)
    session.say(f"revoked: {what}")
    return errors.OK


def _capabilities(session: Session) -> int:
    args = session.args
    path = "sys/capabilities-accessor" if args.accessor else "sys/capabilities-self"
    body = {"paths": args.paths, **({"accessor": args.accessor} if args.accessor else {})}
    found = session.data(session.ask("POST", path, body))
    session.output.facts({path: found[path] for path in args.paths})
    return errors.OK


def _list(session: Session) -> int:
    return show_keys(session, session.data(session.ask("LIST", f"{AREA}/accessors")))
