"""Putting another state in the seal's place: stored beside it, read back, opened, and only then moved.

The last step is one write, so a crash at any point leaves the old state or the new one.
"""

from collections.abc import Awaitable, Callable

from strongroom.barrier.seal.state import NEXT_STATE_KEY, STATE_KEY, SealState, stored_state
from strongroom.errors import InvalidRequest
from strongroom.storage.contract import Conflict, Storage

Prove = Callable[[SealState], Awaitable[object]]


async def staged(storage: Storage, candidate: SealState) -> SealState:
    """Store `candidate` beside the state in force and return what was read back.

    Raises InvalidRequest when another change came between.
    """
    tx = storage.begin()
    tx.put(NEXT_STATE_KEY, candidate.encoded())
    await tx.commit()
    read_back = await stored_state(storage.begin(), NEXT_STATE_KEY)
    if read_back != candidate:
        raise _changed()
    return read_back


async def replace_state(storage: Storage, before: SealState, candidate: SealState, prove: Prove) -> None:
    """Put `candidate` in the place of `before` once `prove`, which raises, has opened it.

    Raises InvalidRequest when the state in force is not `before` any more.
    """
    read_back = await staged(storage, candidate)
    await prove(read_back)
    tx = storage.begin()
    if await stored_state(tx) != before:
        raise _changed()
    tx.put(STATE_KEY, read_back.encoded())
    tx.delete(NEXT_STATE_KEY)
    try:
        await tx.commit()
    except Conflict:
        raise _changed() from None


def _changed() -> InvalidRequest:
    return InvalidRequest("the seal was changed meanwhile; try again")
