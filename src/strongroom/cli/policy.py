"""List, read, write, delete and test policies.

examples:
  strongroom policy write dev dev.hcl
  strongroom policy test dev secret/data/app --capability update
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing, prompt
from strongroom.cli.errors import Failure
from strongroom.cli.listing import show_keys
from strongroom.cli.values import text_of

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

AREA = "sys/policies/acl"
TEST_SECONDS = "60s"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    parsing.asks(parsing.part(to, "list", _list, "list the policies"))
    read = parsing.asks(parsing.part(to, "read", _read, "print a policy"))
    write = parsing.asks(
        parsing.part(
            to, "write", _write, "write a policy from a file",
            examples=("strongroom policy write dev dev.hcl", "strongroom policy write dev - < dev.hcl"),
        )
    )  # fmt: skip
    delete = parsing.asks(parsing.confirms(parsing.part(to, "delete", _delete, "delete a policy")))
    test = parsing.part(
        to, "test", _test, "tell what a policy allows on paths; exit 1 when it is too little",
        examples=("strongroom policy test dev secret/data/app --capability update",),
    )  # fmt: skip
    for made in (read, write, delete, test):
        made.add_argument("name", metavar="NAME")
    write.add_argument("file", metavar="FILE", help="HCL or JSON; `-` reads standard input")
    test.add_argument("paths", metavar="PATH", nargs="+")
    test.add_argument(
        "--capability", metavar="NAME", action="append", default=[], help="must be allowed on each"
    )


def _list(session: Session) -> int:
    return show_keys(session, session.data(session.ask("LIST", AREA)))


def _read(session: Session) -> int:
    answer = session.ask("GET", f"{AREA}/{session.args.name}")
    if session.output.style == "table" and session.output.field is None:
        text = session.data(answer)["policy"]
        sys.stdout.write(session.output.printable(text if text.endswith("\n") else f"{text}\n"))
    else:
        session.output.answer(answer.body)
    return errors.OK


def _write(session: Session) -> int:
    name, source = session.args.name, session.args.file
    text = prompt.piped() if source == "-" else text_of(source)
    session.ask("POST", f"{AREA}/{name}", {"policy": text})
    session.say(f"written: policy {name}")
    return errors.OK


def _delete(session: Session) -> int:
    name = session.args.name
    if not prompt.confirmed(
        session, f"delete the policy {name}", "tokens that have it lose its rights at once"
    ):
        return errors.OK
    session.ask("DELETE", f"{AREA}/{name}")
    session.say(f"deleted: policy {name}")
    return errors.OK


def _test(session: Session) -> int:
    """Ask with a token that has this policy alone, for a minute, and then revoke it."""
    args = session.args
    if session.seek("GET", f"{AREA}/{args.name}") is None:
        raise Failure(errors.NEGATIVE, f"there is no policy {args.name}")
    wanted = {"policies": [args.name], "no_default_policy": True, "ttl": TEST_SECONDS, "renewable": False}
    made = session.ask("POST", "auth/token/create", wanted).body["auth"]
    try:
        found = session.data(
            session.ask(
                "POST", "sys/capabilities-accessor", {"accessor": made["accessor"], "paths": args.paths}
            )
        )
    finally:
        session.client.request("POST", "auth/token/revoke-accessor", {"accessor": made["accessor"]})
    rows = [_row(path, found.get(path) or [], args.capability) for path in args.paths]
    session.output.rows(rows)
    return errors.OK if all(row["missing"] == "" for row in rows) else errors.NEGATIVE


def _row(path: str, granted: list[str], wanted: list[str]) -> dict[str, str]:
    missing = [] if "root" in granted else [name for name in wanted if name not in granted]
    if not wanted and granted == ["deny"]:
        missing = ["any"]
    return {"path": path, "capabilities": ", ".join(granted), "missing": ", ".join(missing)}
