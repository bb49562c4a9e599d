"""Disabling a mount: nothing of it can be used before the caller is told it is gone."""

import msgspec

from strongroom.barrier.view import View
from strongroom.core import mounts as table
from strongroom.core.bootstrap import PREFIX
from strongroom.core.core import AREA, Core
from strongroom.core.namespaces.areas import area
from strongroom.core.namespaces.realm import Realm
from strongroom.framework import Mount
from strongroom.storage.contract import Conflict

PAGE = 1000
RERUNS = 20


async def end_mount(house: Core, space: Realm, path: str) -> None:
    """Taint the mount, revoke its leases, delete its storage, drop its entry: in that order.

    Each step is durable before the next, so a crash leaves a tainted mount that
    answers nothing and can be disabled again.
    """
    await _change(house, space, path, taint=True)
    await house.expiry.revoke_below(space.lease(path), force=True)
    await clear(house, space.mounts[path])
    await _change(house, space, path, taint=False)


async def clear(house: Core, mount: Mount) -> None:
    """Drop a mount's connections and delete all that it stores."""
    house.outside.drop(mount.uuid)
    await delete_below(house, f"{AREA}{mount.uuid}/")


async def delete_below(house: Core, prefix: str) -> None:
    """Delete every row whose key starts with `prefix`, a page at a time."""
    while True:
        tx = house.barrier.begin()
        keys = await tx.scan(prefix, limit=PAGE)
        if not keys:
            break
        for key in keys:
            tx.delete(key)
        await tx.commit()


async def _change(house: Core, space: Realm, path: str, *, taint: bool) -> None:
    for _ in range(RERUNS):
        tx = house.barrier.begin()
        own = View(tx, f"{area(space.uuid)}{PREFIX}")
        mounts = await table.load(own)
        if taint:
            mounts[path] = msgspec.structs.replace(mounts[path], tainted=True)
        else:
            del mounts[path]
        table.save(own, mounts)
        try:
            await tx.commit()
        except Conflict:
            continue
        house.namespaces.adopt(space, mounts)
        return
    raise Conflict(path)
