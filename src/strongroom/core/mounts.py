"""The mount table: enabling, tuning, moving and disabling what answers at a path."""

from collections.abc import Mapping
from uuid import uuid4

import msgspec
from msgspec import Struct

from strongroom.barrier.view import View
from strongroom.core.token_format import random_text
from strongroom.errors import InvalidRequest
from strongroom.framework import Mount, checked_path

TABLE = "mounts"
OWN = ("sys/", "cubbyhole/", "identity/", "inventory/", "rotation/", "findings/", "incidents/", "auth/")
PROTECTED = (*OWN, "auth/token/")
RESERVED = (*OWN, "audit/")


class Table(Struct, frozen=True):
    """Every mount by path; auth methods start with `auth/`."""

    mounts: dict[str, Mount]


async def load(view: View) -> dict[str, Mount]:
    """The stored table."""
    table = await view.find(TABLE, Table)
    return dict(table.mounts) if table else {}


def save(view: View, mounts: Mapping[str, Mount]) -> None:
    """Write the table."""
    view.put(TABLE, Table(dict(mounts)))


def fresh(path: str, kind: str, **settings: object) -> Mount:
    """A new entry with its own storage and accessor."""
    area = "auth_" if path.startswith("auth/") else ""
    return Mount(
        path=path,
        kind=kind,
        uuid=str(settings.pop("uuid", "")) or str(uuid4()),
        accessor=f"{area}{kind}_{random_text(8).lower()}",
        **settings,  # type: ignore[arg-type]  # checked by the callers' request structs
    )


def normalised(path: str) -> str:
    """A mount path as the table writes it: canonical, ending with one slash."""
    text = checked_path(path.strip("/"))
    if not text:
        raise InvalidRequest("a mount needs a path")
    return f"{text}/"


def place(mounts: Mapping[str, Mount], path: str) -> None:
    """Check that `path` can be mounted. Raises InvalidRequest when it is reserved or overlaps."""
    if path.startswith(RESERVED) and not path.startswith("auth/"):
        raise InvalidRequest(f"path '{path}' is reserved")
    for other in mounts:
        if other == path:
            raise InvalidRequest(f"path is already in use at {other}")
        if other != "auth/" and (other.startswith(path) or path.startswith(other)):
            raise InvalidRequest(f"path '{path}' overlaps the existing mount at {other}")


def protected(path: str) -> bool:
    """Whether a mount can be neither disabled nor moved."""
    return path in PROTECTED


def tuned(mount: Mount, **changes: object) -> Mount:
    """A copy with other settings."""
    return msgspec.structs.replace(mount, **changes)
