"""`kv get`, `put`, `patch`, `list` and `tree`: the data of secrets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing, values
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.kv.place import Place, engines, find, versioned
from strongroom.cli.listing import show_keys

if TYPE_CHECKING:
    from strongroom.cli.session import Session

MERGE = {"Content-Type": "application/merge-patch+json"}


def configure(to: parsing.Parts) -> None:
    """Declare them."""
    get = parsing.part(
        to, "get", _get, "print a secret; exit 1 when there is none",
        examples=(
            "strongroom kv get --field password secret/app",
            "strongroom kv get --version 3 secret/app",
        ),
    )  # fmt: skip
    get.add_argument("--version", metavar="N", help="an older version")
    put = parsing.part(
        to, "put", _put, "write a secret: a new version with these fields alone",
        examples=(
            "strongroom kv put secret/app user=web password",
            "pass show app | strongroom kv put secret/app password=-",
            "strongroom kv put secret/app - < app.json",
        ),
    )  # fmt: skip
    patch = parsing.part(
        to, "patch", _patch, "change some fields of a secret",
        examples=("strongroom kv patch secret/app password", "strongroom kv patch --remove old secret/app"),
    )  # fmt: skip
    patch.add_argument("--remove", metavar="NAME", action="append", default=[], help="take this field out")
    listing = parsing.part(to, "list", _list, "list secrets and folders")
    listing.add_argument("--detailed", action="store_true", help="with versions and times")
    tree = parsing.part(to, "tree", _tree, "show all that is below a folder")
    listing.add_argument("path", metavar="PATH", nargs="?", default="", help="the folder (the engines)")
    tree.add_argument("path", metavar="PATH", help="the folder")
    for made in (get, put, patch, listing, tree):
        parsing.asks(made)
        made.add_argument("--mount", metavar="PATH", help="the engine's path; PATH is then below it")
    for made in (get, put, patch):
        made.add_argument("path", metavar="PATH", help="the secret")
    put.add_argument("fields", metavar="FIELD", nargs="+", help=values.FORMS)
    patch.add_argument("fields", metavar="FIELD", nargs="*", help=values.FORMS)
    for made in (put, patch):
        made.add_argument(
            "--cas", metavar="N", type=int, help="only if N is the current version; 0: if there is none"
        )


def _get(session: Session) -> int:
    place = find(session)
    query = {"version": session.args.version} if session.args.version else {}
    try:
        answer = session.ask("GET", place.path("data"), query=query)
    except Refused as refused:
        raise _gone(place, refused) or refused from None
    if not place.versioned or session.args.wrap_ttl:
        session.output.answer(answer.body, secret=True)
        return errors.OK
    data = session.data(answer)
    if session.output.field is not None:
        session.output.facts(data["data"])
    elif session.output.style in ("json", "yaml"):
        session.output.structure(answer.body)
    else:
        if session.output.style == "table":
            session.say(_heading(place, data["metadata"]))
        session.output.pairs(data["data"], secret=True)
    return errors.OK


def _heading(place: Place, about: dict[str, Any]) -> str:
    words = f"{place.shown} version {about['version']}, written {about['created_time']}"
    words += f" by {writer(about)}" if writer(about) else ""
    return words + (f" because: {about['reason']}" if about.get("reason") else "")


def writer(about: dict[str, Any]) -> str:
    """Who wrote a version, where the server says."""
    by = about.get("created_by")
    return str(by.get("name", "")) if isinstance(by, dict) else str(by or "")


def _gone(place: Place, refused: Refused) -> Failure | None:
    """A deleted or destroyed version, told apart from one that never was."""
    if refused.status != 404:
        return None
    body = refused.body if isinstance(refused.body, dict) else {}
    about = (body.get("data") or {}).get("metadata")
    if not about:
        folder = place.shown.rpartition("/")[0]
        return Failure(
            errors.NEGATIVE,
            f"nothing is stored at {place.shown}",
            "It was never written, or there is no such version.",
            f"See what is: strongroom kv list {folder}",
        )
    number = about["version"]
    if about.get("destroyed"):
        return Failure(
            errors.NEGATIVE, f"version {number} of {place.shown} is destroyed", "Its data is gone for good.",
            f"strongroom kv metadata get {place.shown} lists the versions.",
        )  # fmt: skip
    return Failure(
        errors.NEGATIVE, f"version {number} of {place.shown} is deleted", f"Since {about['deletion_time']}.",
        f"Bring it back: strongroom kv undelete --versions {number} {place.shown}",
    )  # fmt: skip


def _put(session: Session) -> int:
    place = find(session)
    fields = values.fields(session, session.args.fields, secret=True)
    body: dict[str, Any] = fields
    if place.versioned:
        body = {"data": fields, **_cas(session)}
    elif session.args.cas is not None:
        versioned(session)
    return _written(session, place, session.ask("POST", place.path("data"), body).body)


def _patch(session: Session) -> int:
    args = session.args
    place = versioned(session)
    changes = {**values.fields(session, args.fields, secret=True), **dict.fromkeys(args.remove)}
    if not changes:
        raise Failure(
            errors.USAGE, "there is nothing to change", "No field is given.", "Give fields, or --remove NAME."
        )
    body = {"data": changes, **_cas(session)}
    return _written(session, place, session.ask("PATCH", place.path("data"), body, headers=MERGE).body)


def _cas(session: Session) -> dict[str, Any]:
    return {} if session.args.cas is None else {"options": {"cas": session.args.cas}}


def _written(session: Session, place: Place, body: Any) -> int:
    if body is None:
        session.say(f"written: {place.shown}")
        return errors.OK
    if session.output.style == "table" and not session.output.field and not session.args.wrap_ttl:
        session.say(f"written: {place.shown} version {body['data']['version']}")
        by = {"created_by": writer(body["data"])} if "created_by" in body["data"] else {}
        session.output.pairs({**body["data"], **by})
    else:
        session.output.answer(body)
    return errors.OK


def _list(session: Session) -> int:
    if not session.args.path.strip("/") and not session.args.mount:
        session.output.names(engines(session))
        return errors.OK
    place = find(session)
    family = "detailed-metadata" if session.args.detailed and place.versioned else "metadata"
    try:
        answer = session.ask("LIST", place.path(family))
    except Refused as refused:
        raise _empty(place, refused) or refused from None
    return show_keys(session, session.data(answer), detailed=session.args.detailed)


def _empty(place: Place, refused: Refused) -> Failure | None:
    if refused.status != 404 or refused.messages:
        return None
    return Failure(
        errors.NEGATIVE, f"there is nothing below {place.shown}", "",
        "strongroom kv list shows the engines, strongroom kv list ENGINE what is in one.",
    )  # fmt: skip


def _tree(session: Session) -> int:
    place = find(session)
    try:
        found = session.data(session.ask("SCAN", place.path("metadata"))).get("keys") or []
    except Refused as refused:
        raise _empty(place, refused) or refused from None
    if session.output.style != "table":
        session.output.names(found)
        return errors.OK
    sys.stdout.write(f"{place.shown.rstrip('/')}/\n")
    shown: list[str] = []
    for key in sorted(found):
        *folders, name = key.split("/")
        for depth, folder in enumerate(folders):
            if shown[depth : depth + 1] != [folder]:
                sys.stdout.write(f"{'  ' * (depth + 1)}{session.output.printable(folder)}/\n")
                shown = [*shown[:depth], folder]
        shown = folders
        if name:
            sys.stdout.write(f"{'  ' * (len(folders) + 1)}{session.output.printable(name)}\n")
    return errors.OK
