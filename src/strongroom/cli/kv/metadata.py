"""`kv metadata`: versions and settings of a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing, values
from strongroom.cli.errors import Failure
from strongroom.cli.kv.commands import MERGE, writer
from strongroom.cli.kv.place import versioned
from strongroom.cli.prompt import confirmed

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(to: parsing.Parts) -> None:
    """Declare `kv metadata` and its subcommands."""
    about = to.add_parser("metadata", help="versions and settings of a secret")
    below = parsing.parts(about)
    get = parsing.part(below, "get", _get, "show versions and settings")
    put = parsing.part(below, "put", _put, "replace the settings")
    patch = parsing.part(below, "patch", _patch, "change some settings")
    delete = parsing.confirms(
        parsing.part(below, "delete", _delete, "delete the secret with all its versions, for good")
    )
    for made in (get, put, patch, delete):
        parsing.asks(made)
        made.add_argument("--mount", metavar="PATH", help="the engine's path; PATH is then below it")
        made.add_argument("path", metavar="PATH", help="the secret")
    for made in (put, patch):
        made.add_argument("--max-versions", metavar="N", type=int, help="how many versions are kept")
        made.add_argument(
            "--cas-required", metavar="BOOL", choices=("true", "false"), help="writes must name a version"
        )
        made.add_argument("--delete-version-after", metavar="TIME", help="versions are deleted when this old")
        made.add_argument(
            "--custom-metadata",
            metavar="NAME=VALUE",
            action="append",
            default=[],
            help="owner, purpose: not secret",
        )
    patch.add_argument(
        "--remove-custom-metadata", metavar="NAME", action="append", default=[], help="take this out"
    )


def _get(session: Session) -> int:
    place = versioned(session)
    answer = session.ask("GET", place.path("metadata"))
    if session.output.style in ("json", "yaml") or session.output.field or session.args.wrap_ttl:
        session.output.answer(answer.body)
        return errors.OK
    data = session.data(answer)
    versions = data.pop("versions", {})
    if session.output.style == "table":
        session.output.pairs(data)
    session.output.rows([_version(number, about) for number, about in versions.items()])
    return errors.OK


def _version(number: str, about: dict[str, Any]) -> dict[str, Any]:
    state = "destroyed" if about.get("destroyed") else "deleted" if about.get("deletion_time") else "there"
    return {
        "version": number,
        "state": state,
        "written": about["created_time"],
        "by": writer(about),
        "reason": about.get("reason") or "",
    }


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    found = {
        name: value
        for name in ("max_versions", "delete_version_after")
        if (value := getattr(args, name)) is not None
    }
    if args.cas_required is not None:
        found["cas_required"] = args.cas_required == "true"
    if args.custom_metadata:
        found["custom_metadata"] = values.pairs(args.custom_metadata)
    return found


def _put(session: Session) -> int:
    place = versioned(session)
    session.ask("POST", place.path("metadata"), _settings(session.args))
    session.say(f"written: settings of {place.shown}")
    return errors.OK


def _patch(session: Session) -> int:
    place, changes = versioned(session), _settings(session.args)
    if session.args.remove_custom_metadata:
        removed = dict.fromkeys(session.args.remove_custom_metadata)
        changes["custom_metadata"] = {**changes.get("custom_metadata", {}), **removed}
    if not changes:
        raise Failure(errors.USAGE, "there is nothing to change", "No setting is given.")
    session.ask("PATCH", place.path("metadata"), changes, headers=MERGE)
    session.say(f"changed: settings of {place.shown}")
    return errors.OK


def _delete(session: Session) -> int:
    place = versioned(session)
    shows = session.args.output_curl or session.args.output_policy
    if not shows and not confirmed(
        session, f"delete {place.shown} with all its versions", "it cannot be brought back"
    ):
        return errors.OK
    session.ask("DELETE", place.path("metadata"))
    session.say(f"deleted: {place.shown} with all its versions")
    return errors.OK
