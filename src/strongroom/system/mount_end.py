"""Disabling a mount: nothing of it can be used before the caller is told it is gone."""

import msgspec

from strongroom.core import mounts as table
from strongroom.core.bootstrap import view
from strongroom.core.core import AREA, Core
from strongroom.storage.contract import Conflict

PAGE = 1000
RERUNS = 20


async def end_mount(house: Core, path: str) -> None:
    """Taint the mount, revoke its leases, delete its storage, drop its entry: in that order.

    Each step is durable before the next, so a crash leaves a tainted mount that
    answers nothing and can be disabled again.
    """
    await _change(house, path, taint=True)
    await house.expiry.revoke_below(path, force=True)
    mount = house.mounts[path]
    house.outside.drop(mount.uuid)
    prefix = f"{AREA}{mount.uuid}/"
    while True:
        tx = house.barrier.begin()
        keys = await tx.scan(prefix, limit=PAGE)
        if not keys:
            break
        for key in keys:
            tx.delete(key)
        await tx.commit()
    await _change(house, path, taint=False)


async def _change(house: Core, path: str, *, taint: bool) -> None:
    for _ in range(RERUNS):
        tx = house.barrier.begin()
        mounts = await table.load(view(tx))
        if taint:
            mounts[path] = msgspec.structs.replace(mounts[path], tainted=True)
        else:
            del mounts[path]
        table.save(view(tx), mounts)
        try:
            await tx.commit()
        except Conflict:
            continue
        house.adopt(mounts)
        return
    raise Conflict(path)
