"""Rotations as incidents see them: begun for a leaked value, out, over, or failed."""

from datetime import datetime

from msgspec.structs import replace

from strongroom import rotation
from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest
from strongroom.findings.record import Held
from strongroom.remediation.record import Rotation
from strongroom.rotation.record import ENDED, PUBLISHED, find_run, view

MAKING, OUT, OVER, FAILED = "making", "out", "over", "failed"
LOOKED_AT = 200


async def begin(
    tx: BarrierTransaction, held: Held, reason: str, incident: str, grace: int, now: float
) -> Rotation | None:
    """Begin the rotation that replaces `held`; None when no plan does, or its plan will not."""
    plan = await rotation.plan_for(tx, held)
    if plan is None:
        return None
    try:
        run = await rotation.start(tx, plan, reason, incident, now=now, grace=grace)
    except InvalidRequest:
        return None
    return Rotation(id=run, plan=plan, held=held, state=MAKING)


async def looked_at(tx: BarrierTransaction, known: Rotation) -> Rotation:
    """The rotation as it stands now."""
    run = await rotation.status(tx, known.id)
    if run.state == "done":
        state = OVER
    elif run.state in ENDED or run.given_up:
        state = FAILED
    else:
        state = OUT if run.state in PUBLISHED else MAKING
    return replace(known, state=state, new=run.new)


async def proved_dead(tx: BarrierTransaction, held: Held) -> bool:
    """Whether a rotation since this version was made has replaced it and seen the old one refused."""
    plan = await rotation.plan_for(tx, held)
    if plan is None or not held.version:
        return False
    made = datetime.fromisoformat(held.created).timestamp() if held.created else 0.0
    rows = view(tx)
    prefix = f"history/{plan}/"
    for key in await rows.keys(prefix, limit=LOOKED_AT):
        run = await find_run(rows, key.removeprefix(prefix))
        if run.state == "done" and held.version <= run.old and run.created >= made:
            return True
    return False
