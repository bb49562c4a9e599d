"""Turns notes of changed secrets into records of the index, and records into rows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.crypto.random import random_bytes
from strongroom.framework import Mount
from strongroom.inventory import secrets
from strongroom.inventory.fingerprints import PAGE, Fingerprints, Fresh, Keys, Rows, Value, row_of
from strongroom.inventory.references import HELD, KV

AREA = "inventory/"
PENDING = "pending/"  # changed secrets
FRESH = "fresh/"  # what mounts have issued
ALL = 1 << 31
TOGETHER = 100  # notes of what was issued that make one transaction
AT_ONCE = 16  # changed secrets that do: all their versions are read, and requests wait meanwhile
MOST = 256  # values of one version that are indexed

Changes = dict[str, bytes | None]
Step = Callable[[BarrierTransaction], Awaitable[Changes | None]]


async def note(tx: BarrierTransaction, uuid: str, path: str) -> None:
    """Leave a note that a secret may have changed.

    One that is there does, and is not written again: when it goes before `tx` commits, `tx` conflicts.
    """
    view, key = View(tx, AREA), f"{PENDING}{uuid}/{path}"
    if not await view.holds(key):
        view.put_bytes(key, b"")


async def notes(tx: BarrierTransaction, after: str = "") -> list[str]:
    """Some notes of changed secrets, as `uuid/path`, in order."""
    bound = PENDING + after if after else ""
    return [key.removeprefix(PENDING) for key in await View(tx, AREA).keys(PENDING, bound, AT_ONCE)]


def note_issued(tx: BarrierTransaction, uuid: str, path: str, held: Fresh) -> None:
    """Leave a note of what a path of a mount holds from now on."""
    View(tx, AREA).put(f"{FRESH}{uuid}/{path}", held)


async def issued(tx: BarrierTransaction) -> list[str]:
    """Some notes of what was issued, as `uuid/path`."""
    return [key.removeprefix(FRESH) for key in await View(tx, AREA).keys(FRESH, "", TOGETHER)]


def indexing_issued(keys: Keys, noted: Iterable[str]) -> Step:
    """The step that takes what was issued into the index, and the notes of it away."""

    async def step(tx: BarrierTransaction) -> Changes:
        view = View(tx, AREA)
        prints = Fingerprints(keys, view)
        for one in noted:
            await prints.hold_made(f"{HELD}/{one}", await view.find(FRESH + one, Fresh) or Fresh())
            view.delete(FRESH + one)
        prints.save()
        return prints.rows

    return step


def indexing(keys: Keys, mounts: Iterable[Mount], noted: Iterable[str], now: float) -> Step:
    """The step that brings secrets' records up to date and takes the notes of them away: one at least."""
    by_uuid = {mount.uuid: mount for mount in mounts}

    async def step(tx: BarrierTransaction) -> Changes:
        view = View(tx, AREA)
        prints = Fingerprints(keys, view)
        for one in noted:
            uuid, _, path = one.partition("/")
            await prints.hold(f"{KV}/{one}", await _values(tx, by_uuid.get(uuid), path, now))
            view.delete(PENDING + one)
            if len(prints.rows) >= MOST:  # new values take their time: the other notes wait
                break
        prints.save()
        return prints.rows

    return step


async def _values(tx: BarrierTransaction, mount: Mount | None, path: str, now: float) -> dict[str, bytes]:
    """What a secret holds, by version and field."""
    values: dict[str, bytes] = {}
    for version in await secrets.live(tx, mount, path, now) if mount else ():
        for field, value in islice(secrets.leaves(version.text), MOST):
            values[f"{version.number} {field}"] = value
    return values


async def stamp(tx: BarrierTransaction) -> str:
    """The name of the last change of rows, by whichever node."""
    return (await View(tx, AREA).find_bytes("stamp") or b"").decode()


async def stamped(tx: BarrierTransaction) -> tuple[str, str]:
    """Name the change that `tx` makes; returns the name of the one before and its own."""
    before, after = await stamp(tx), random_bytes(8).hex()
    View(tx, AREA).put_bytes("stamp", after.encode())
    return before, after


async def load(begin: Callable[[], BarrierTransaction], rows: Rows) -> None:
    """Read every row from the store, a page at a time."""
    after = ""
    while True:
        view = View(begin(), AREA)
        keys = await view.keys("value/", after, PAGE)
        for key in keys:
            value = await view.find(key, Value)
            id = key.removeprefix("value/")
            rows.change({id: row_of(id, value) if value else None}, rows.stamp, rows.stamp)
        await asyncio.sleep(0)
        if len(keys) < PAGE:
            return
        after = keys[-1]


async def note_all(tx: BarrierTransaction, mounts: Iterable[Mount]) -> None:
    """Note every secret of every key-value mount: for a new index on an old store."""
    for mount in mounts:
        if mount.kind == secrets.KIND:
            async for path in secrets.every(tx, mount):
                await note(tx, mount.uuid, path)


async def note_unmounted(tx: BarrierTransaction, mounts: Iterable[Mount]) -> None:
    """Note what the index still holds of mounts that are no more."""
    known = {mount.uuid for mount in mounts}
    view = View(tx, AREA)
    for kind, note_at in ((KV, PENDING), (HELD, FRESH)):
        owners = f"owner/{kind}/"
        for folder in await view.list(owners):
            if folder.rstrip("/") not in known:
                for owner in await view.keys(owners + folder, "", ALL):
                    view.put(note_at + owner.removeprefix(owners), Fresh())
