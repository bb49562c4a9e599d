"""Create, show, patch, lock and delete namespaces: tenants with mounts, policies and tokens of their own.

examples:
  strongroom namespace create team --metadata cost-centre=4711
  strongroom namespace create team/app
  strongroom kv put --namespace team/app secret/db password=-
  strongroom namespace delete team/app
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.listing import show_keys
from strongroom.cli.prompt import confirmed
from strongroom.cli.values import pairs

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

AREA = "sys/namespaces"
MERGE = {"Content-Type": "application/merge-patch+json"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    listing = parsing.asks(parsing.part(to, "list", _list, "list namespaces; exit 1 when there are none"))
    listing.add_argument("path", metavar="PATH", nargs="?", default="", help="below this one")
    listing.add_argument("--all", action="store_true", help="with those further below")
    listing.add_argument("--detailed", action="store_true", help="with ids and metadata")
    create = parsing.asks(parsing.part(to, "create", _create, "create a namespace"))
    show = parsing.asks(parsing.part(to, "show", _show, "describe a namespace"))
    patch = parsing.asks(parsing.part(to, "patch", _patch, "change a namespace's metadata"))
    lock = parsing.asks(parsing.part(to, "lock", _lock, "let nothing of a namespace answer; print the key"))
    unlock = parsing.asks(parsing.part(to, "unlock", _unlock, "let a locked namespace answer again"))
    delete = parsing.asks(parsing.confirms(parsing.part(to, "delete", _delete, "delete a namespace")))
    for made in (create, show, patch, lock, unlock, delete):
        made.add_argument("path", metavar="PATH", help="names with slashes between, from the outermost")
    for made in (create, patch):
        made.add_argument(
            "--metadata", metavar="NAME=TEXT", action="append", default=[], help="a text of any name"
        )
    patch.add_argument("--remove", metavar="NAME", action="append", default=[], help="a text to take away")
    unlock.add_argument("--key", metavar="KEY", default="", help="what `lock` printed; not needed with sudo")
    delete.add_argument("--recursive", action="store_true", help="with the namespaces below it")


def _place(session: Session) -> str:
    """A namespace's path in the API: it is asked of the one above it."""
    above, _, name = session.args.path.strip("/").rpartition("/")
    return f"{above}/{AREA}/{name}" if above else f"{AREA}/{name}"


def _list(session: Session) -> int:
    below = session.args.path.strip("/")
    path = f"{below}/{AREA}" if below else AREA
    found = session.seek("SCAN" if session.args.all else "LIST", path) or {}
    return show_keys(session, found, detailed=session.args.detailed)


def _create(session: Session) -> int:
    body = {"custom_metadata": pairs(session.args.metadata)}
    session.output.answer(session.ask("POST", _place(session), body).body)
    return errors.OK


def _show(session: Session) -> int:
    session.output.answer(session.ask("GET", _place(session)).body)
    return errors.OK


def _patch(session: Session) -> int:
    changes = {**pairs(session.args.metadata), **dict.fromkeys(session.args.remove)}
    answer = session.ask("PATCH", _place(session), {"custom_metadata": changes}, headers=MERGE)
    session.output.answer(answer.body)
    return errors.OK


def _lock(session: Session) -> int:
    session.output.answer(
        session.ask("POST", f"{AREA}/api-lock/lock/{session.args.path.strip('/')}", {}).body
    )
    return errors.OK


def _unlock(session: Session) -> int:
    path = session.args.path.strip("/")
    session.ask("POST", f"{AREA}/api-lock/unlock/{path}", {"unlock_key": session.args.key})
    session.say(f"unlocked: namespace {path}")
    return errors.OK


def _delete(session: Session) -> int:
    path = session.args.path.strip("/")
    blast = (
        "its secrets and policies are deleted, its tokens and leases revoked; nothing of it answers at once"
    )
    if not confirmed(session, f"delete the namespace {path}", blast):
        return errors.OK
    query = {"recursive": "true"} if session.args.recursive else {}
    found = session.data(session.ask("DELETE", _place(session), query=query))
    if found:
        session.say(f"closed: namespace {path}; the job {found['job']} deletes it")
    return errors.OK
