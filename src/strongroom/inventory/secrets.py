"""Reads key-value engines' records: which secrets there are, which of their versions live, what they hold."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import msgspec

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.core import AREA
from strongroom.engines.kv.record import Key, meta_key, text_of
from strongroom.framework import Mount, Operation, Request

KIND = "kv"
PAGE = 1000
CHANGING = ("data/", "metadata/", "delete/", "undelete/", "destroy/")
_DATA = "data/"


class Live(NamedTuple):
    """A version that may be read; `number` is 0 in the engine without versions, and `created` empty."""

    number: int
    text: bytes
    created: str = ""


def versioned(mount: Mount) -> bool:
    """Whether a key-value mount keeps versions."""
    return mount.options.get("version", "1") == "2"


def changed(mount: Mount, request: Request) -> str:
    """The secret that a request may have changed, "" for none."""
    inner = request.path[len(mount.path) :].rstrip("/")
    if not versioned(mount):
        return inner
    family = next((name for name in CHANGING if inner.startswith(name)), "")
    return inner[len(family) :] if family else ""


def read(mount: Mount, request: Request) -> str:
    """The secret whose value a request gives out, "" for none."""
    if request.operation is not Operation.READ:
        return ""
    inner = request.path[len(mount.path) :]
    if not versioned(mount):
        return inner
    return inner[len(_DATA) :] if inner.startswith(_DATA) else ""


async def find(tx: BarrierTransaction, mount: Mount, path: str) -> Key | None:
    """A secret's record, None when there is none. Without versions it is a record without facts."""
    view = storage(tx, mount)
    if versioned(mount):
        return await view.find(meta_key(path), Key)
    return Key() if await view.find_bytes(_DATA + path) is not None else None


async def live(tx: BarrierTransaction, mount: Mount, path: str, now: float) -> list[Live]:
    """Every version of a secret that may be read, with its text."""
    view = storage(tx, mount)
    if not versioned(mount):
        text = await view.find_bytes(_DATA + path)
        return [] if text is None else [Live(0, text)]
    key = await view.find(meta_key(path), Key)
    found = []
    for number, version in (key.versions if key else {}).items():
        if version.gone(now):
            continue
        text = await text_of(view, path, key, number) if key else None
        if text is not None:
            found.append(Live(number, text, version.created))
    return found


async def every(tx: BarrierTransaction, mount: Mount, after: str = "") -> AsyncIterator[str]:
    """The paths of a mount's secrets, in order."""
    prefix = "meta/" if versioned(mount) else _DATA
    bound = prefix + after if after else ""
    while True:
        keys = await storage(tx, mount).keys(prefix, bound, PAGE)
        for key in keys:
            yield key[len(prefix) :]
        if len(keys) < PAGE:
            return
        bound = keys[-1]


def storage(tx: BarrierTransaction, mount: Mount) -> View:
    """A mount's part of the barrier."""
    return View(tx, f"{AREA}{mount.uuid}/")


def leaves(text: bytes) -> Iterator[tuple[str, bytes]]:
    """(field, value) for each text in a secret's JSON; surrounding white space does not count."""
    yield from _leaves("", msgspec.json.decode(text))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, str):
        yield name, value.strip().encode("utf-8", "surrogatepass")
    elif isinstance(value, dict):
        for member, inner in value.items():
            yield from _leaves(f"{name}.{member}" if name else str(member), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(f"{name}[{number}]", inner)
