"""Which mount a path belongs to, and how its engine spells paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.cli import errors
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from strongroom.cli.session import Session


MOUNTS = "sys/internal/ui/mounts"
KINDS = ("kv", "generic")


class Place(NamedTuple):
    """A secret or folder: the mount (with its slash), what is below it, and the engine's version."""

    mount: str
    rest: str
    versioned: bool

    def path(self, family: str) -> str:
        """The API's path: `data`, `metadata`… for version 2, none for version 1."""
        return f"{self.mount}{family}/{self.rest}".rstrip("/") if self.versioned else self.shown.rstrip("/")

    @property
    def shown(self) -> str:
        """The path as people write it."""
        return f"{self.mount}{self.rest}"


def find(session: Session, path: str | None = None) -> Place:
    """Ask the server which mount the path is below. Raises Failure when that is no key-value engine."""
    given = (session.args.path if path is None else path).strip("/")
    if session.args.mount:
        given = f"{session.args.mount.strip('/')}/{given}"
    try:
        data = session.data(session.client.request("GET", f"{MOUNTS}/{given}"))
    except Refused as refused:
        if refused.status == 403 and session.client.options.token is not None:
            raise _unknown(session, given) from None
        raise
    if data["type"] not in KINDS:
        raise Failure(
            errors.USAGE, f"{data['path']} is no key-value engine", f"It is of the kind {data['type']}.",
            f"Use strongroom read {given}",
        )  # fmt: skip
    versioned = (data.get("options") or {}).get("version") == "2"
    return Place(data["path"], given[len(data["path"]) :], versioned)


def engines(session: Session) -> list[str]:
    """The key-value engines that the caller may see."""
    return _names(session.data(session.ask("GET", MOUNTS)))


def _names(mounts: dict[str, Any]) -> list[str]:
    return [name for name, mount in mounts.get("secret", {}).items() if mount["type"] in KINDS]


def versioned(session: Session, path: str | None = None) -> Place:
    """Like `find`, for commands that need versions. Raises Failure for an engine without."""
    place = find(session, path)
    if not place.versioned:
        raise Failure(
            errors.USAGE, f"{place.mount} keeps no versions", "It is a key-value engine of version 1.",
            f"strongroom secrets tune --version 2 {place.mount} makes it one of version 2.",
        )  # fmt: skip
    return place


def _unknown(session: Session, given: str) -> Failure:
    """Either there is no such mount or no right in it; the server does not tell which."""
    try:
        own = session.data(session.client.request("GET", "auth/token/lookup-self"))
        mounts = session.data(session.client.request("GET", MOUNTS))
    except Refused:
        return Failure(
            errors.LOGIN, "your token is not valid", "It is unknown, expired or revoked.",
            "Log in again: strongroom login",
        )  # fmt: skip
    seen = _names(mounts)
    policies = ", ".join(own.get("policies") or ["none"])
    return Failure(
        errors.USAGE if policies == "root" else errors.DENIED,
        f"there is no key-value engine for {given} that you may use",
        f"Your policies ({policies}) reach: {', '.join(seen) or 'none'}.",
        errors.near(
            f"{given.partition('/')[0]}/", seen, "Ask for a policy on it; strongroom secrets list shows all."
        ),
    )
