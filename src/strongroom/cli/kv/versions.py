"""`kv delete`, `undelete`, `destroy` and `rollback`: the life of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.cli.kv.place import find, versioned
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    from strongroom.cli.session import Session


def configure(to: parsing.Parts) -> None:
    """Declare them."""
    delete = parsing.confirms(
        parsing.part(to, "delete", _delete, "delete the current version, or some; they can come back")
    )
    undelete = parsing.part(to, "undelete", _undelete, "bring deleted versions back")
    destroy = parsing.confirms(parsing.part(to, "destroy", _destroy, "erase versions for good"))
    rollback = parsing.confirms(
        parsing.part(to, "rollback", _rollback, "make an older version the current one again")
    )
    delete.add_argument("--versions", metavar="N,N", help="these versions (the current one)")
    for made in (undelete, destroy):
        made.add_argument("--versions", metavar="N,N", required=True, help="which versions")
    rollback.add_argument("--version", metavar="N", type=int, required=True, help="the version to go back to")
    for made in (delete, undelete, destroy, rollback):
        parsing.asks(made)
        made.add_argument("--mount", metavar="PATH", help="the engine's path; PATH is then below it")
        made.add_argument("path", metavar="PATH", help="the secret")


def _shows(session: Session) -> bool:
    return bool(session.args.output_curl or session.args.output_policy)


def _numbers(session: Session) -> list[int]:
    try:
        return [int(text) for text in session.args.versions.split(",")]
    except ValueError:
        raise Failure(errors.USAGE, "versions are numbers", "", "For example: --versions 2,3") from None


def _delete(session: Session) -> int:
    if session.args.versions:
        return _on_versions(session, "delete", "deleted", "they can be brought back with kv undelete")
    place = find(session)
    blast = (
        "it can be brought back with kv undelete"
        if place.versioned
        else "it is gone for good: the engine keeps no versions"
    )
    if not _shows(session) and not confirmed(session, f"delete {place.shown}", blast):
        return errors.OK
    session.ask("DELETE", place.path("data"))
    session.say(f"deleted: {place.shown}")
    return errors.OK


def _undelete(session: Session) -> int:
    place, numbers = versioned(session), _numbers(session)
    session.ask("POST", place.path("undelete"), {"versions": numbers})
    session.say(f"undeleted: {place.shown} {_spelled(numbers)}")
    return errors.OK


def _destroy(session: Session) -> int:
    return _on_versions(session, "destroy", "destroyed", "their data is gone for good")


def _on_versions(session: Session, verb: str, done: str, blast: str) -> int:
    place, numbers = versioned(session), _numbers(session)
    if not _shows(session) and not confirmed(session, f"{verb} {place.shown} {_spelled(numbers)}", blast):
        return errors.OK
    session.ask("POST", place.path(verb), {"versions": numbers})
    session.say(f"{done}: {place.shown} {_spelled(numbers)}")
    return errors.OK


def _rollback(session: Session) -> int:
    """Write the old version's data anew, if nobody else writes meanwhile."""
    place, number = versioned(session), session.args.version
    old = session.data(session.client.request("GET", place.path("data"), query={"version": str(number)}))
    about = session.data(session.client.request("GET", place.path("metadata")))
    now = about["current_version"]
    deed = f"write version {number} of {place.shown} again, as version {now + 1}"
    if not _shows(session) and not confirmed(session, deed, f"version {now} stays readable by its number"):
        return errors.OK
    answer = session.ask("POST", place.path("data"), {"data": old["data"], "options": {"cas": now}})
    session.say(f"written: {place.shown} version {answer.body['data']['version']}")
    return errors.OK


def _spelled(numbers: list[int]) -> str:
    return f"version{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"
