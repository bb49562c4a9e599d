"""The job that deletes a namespace which has been closed: what it issued is revoked, then its rows go."""

from functools import partial

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.bootstrap import PREFIX
from strongroom.core.core import Core
from strongroom.core.namespaces import record
from strongroom.core.namespaces.areas import area
from strongroom.core.namespaces.realm import Realm
from strongroom.core.namespaces.record import Namespace
from strongroom.core.quotas import record as quotas
from strongroom.core.token_store import of_namespace
from strongroom.jobs import JobContext, Kind, enqueue
from strongroom.system.mount_end import clear, delete_below

KIND = "namespace.delete"


class Ending(Struct, frozen=True):
    """A namespace by its path, and by its uuid: another one may be there when the job is done."""

    path: str
    uuid: str


async def enqueue_end(tx: BarrierTransaction, entry: Namespace, now: float) -> str:
    """Have a closed namespace deleted; one job for each. Returns the job's id."""
    return await enqueue(tx, KIND, Ending(entry.path, entry.uuid), now=now, key=entry.uuid)


def kind(house: Core) -> Kind[Ending]:
    """The kind of job, for the workers."""
    return Kind(KIND, Ending, partial(_run, house), attempts=100)


async def _run(house: Core, ctx: JobContext, ending: Ending) -> None:
    """Delete what is below first, so that nothing is left without what is above it."""
    ctx.insist()

    async def empty(_: str) -> None:
        tx = house.barrier.begin()
        top = await record.find(tx, ending.path)
        if top is None or top.uuid != ending.uuid:
            return
        for entry in [*reversed(await record.below(tx, ending.path)), top]:
            await _end(house, await house.namespaces.of(entry.uuid))

    await ctx.step("delete", empty)


async def _end(house: Core, space: Realm) -> None:
    """Each of these may run again, so a crash anywhere leaves only more to do."""
    await house.expiry.revoke_below(space.lease(""), force=True)
    for token in await of_namespace(house.barrier.begin(), space.uuid):
        await house.expiry.end_token(token)
    for mount in space.mounts.values():
        await clear(house, mount)
    for part in ("policy/", f"{PREFIX}password-policy/", f"{PREFIX}migration/"):
        await delete_below(house, f"{area(space.uuid)}{part}")
    tx = house.barrier.begin()
    for key in await tx.scan(area(space.uuid)):
        tx.delete(key)
    record.timed(tx, space.uuid, keeps_time=False)
    record.view(tx).delete(space.path)
    gone = await quotas.inside(tx, space.path)
    for key in gone:
        tx.delete(key)
    await tx.commit()
    house.namespaces.forget_below(space.path)
    if gone:
        await house.quotas.load()
