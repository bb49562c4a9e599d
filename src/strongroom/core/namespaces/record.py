"""What is stored of a namespace, by its path: `namespace/<path>`. Names, and what they may be.

Source: OpenBao's API page /sys/namespaces; its reserved names and ours.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.mounts import RESERVED
from strongroom.core.namespaces import areas
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Mount

PREFIX = "namespace/"
TIMED = "timed/"  # an entry for each namespace with a mount that keeps time
GONE = "namespace not found"
RESERVED_NAMES = frozenset({"root", *(path.rstrip("/") for path in RESERVED)})
LONGEST_NAME = 128
DEEPEST = 16

_NAME = re.compile(r"[^\W_][\w.~@:!-]*|_[\w.~@:!-]*|-[\w.~@:!-]*")


class Namespace(Struct, frozen=True, kw_only=True):
    """A namespace. `path` has no slash at its ends; `lock` is the hash of the key that unlocks it.

    `id` is for people, `uuid` names its rows. Both are its own for ever: another one
    made later at the same path has others.
    """

    path: str
    id: str
    uuid: str
    custom_metadata: dict[str, str] = {}
    deleting: bool = False
    lock: str = ""


def view(tx: BarrierTransaction) -> View:
    """The namespaces' part of the barrier."""
    return View(tx, PREFIX)


async def find(tx: BarrierTransaction, path: str) -> Namespace | None:
    """The namespace at a path, or None."""
    return await view(tx).find(path, Namespace)


async def children(tx: BarrierTransaction, path: str) -> list[str]:
    """The names of the namespaces right below a path."""
    names = await view(tx).list(f"{path}/" if path else "")
    return [name for name in names if not name.endswith("/")]


async def below(tx: BarrierTransaction, path: str) -> list[Namespace]:
    """Every namespace below a path, the outer ones first."""
    prefix = f"{path}/" if path else ""
    found: list[str] = []
    while page := await view(tx).keys(prefix, found[-1] if found else ""):
        found += page
    entries = [await find(tx, one) for one in sorted(found, key=lambda one: (one.count("/"), one))]
    return [entry for entry in entries if entry is not None]


def upwards(path: str) -> Iterator[str]:
    """A path and those above it, the outermost first, without the root."""
    end = path.find("/")
    while end > 0:
        yield path[:end]
        end = path.find("/", end + 1)
    yield path


async def hold(tx: BarrierTransaction, path: str) -> None:
    """Have `tx` fail should this namespace be closed before it commits. Raises NotFound when it is."""
    for above in upwards(path):
        entry = await find(tx, above)
        if entry is None or entry.deleting:
            raise NotFound(GONE)


def checked_name(name: str) -> str:
    """The one segment that a namespace is called. Raises InvalidRequest.

    Nothing that means something in a policy's path (`*`, `+`, `{`) or in a URL, and no name
    that the server's own mounts have.
    """
    bare = name.removesuffix("/")
    if "/" in bare:
        raise InvalidRequest("a namespace's name holds no '/'; name the namespace above it in the request")
    if bare in RESERVED_NAMES:
        raise InvalidRequest(f"'{bare}' is reserved and cannot be a namespace's name")
    if len(bare) > LONGEST_NAME or not _NAME.fullmatch(bare):
        raise InvalidRequest(
            "a namespace's name begins with a letter, digit, '-' or '_', goes on with these or '.~@:!', "
            f"and has at most {LONGEST_NAME} characters"
        )
    return bare


async def refuse_mounts(mounts: Mapping[str, Mount], name: str) -> None:
    """Raise InvalidRequest when a mount is, or is below, what would be a namespace."""
    for path in mounts:
        if path.startswith(f"{name}/"):
            raise InvalidRequest(f"the existing mount at {path} is where the namespace would be")


async def refuse_taken(tx: BarrierTransaction, above: str, mount_path: str) -> None:
    """Raise InvalidRequest when a namespace is where a mount would be."""
    name = mount_path.split("/", 1)[0]
    if await find(tx, f"{above}{name}") is not None:
        raise InvalidRequest(f"path '{mount_path}' is inside the namespace '{name}/'")


def timed(tx: BarrierTransaction, uuid: str, *, keeps_time: bool) -> None:
    """Note whether a namespace has mounts that must be attended to."""
    if keeps_time:
        tx.put(f"{TIMED}{uuid}", b"")
    else:
        tx.delete(f"{TIMED}{uuid}")


def place(tx: BarrierTransaction, entry: Namespace) -> None:
    """Write a new namespace and where it is."""
    view(tx).put(entry.path, entry)
    tx.put(f"{areas.area(entry.uuid)}{areas.PLACE}", entry.path.encode())
