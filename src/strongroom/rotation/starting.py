"""Starting rotations: one at a time for each plan, whoever asks.

Everything happens in the caller's transaction: of two that start the same plan at once, one
meets a conflict, runs again and finds the other's rotation.
"""

from msgspec import Struct
from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.errors import InvalidRequest, NotFound
from strongroom.jobs import enqueue, find, resume
from strongroom.jobs.record import new_id
from strongroom.rotation.record import (
    ENDED,
    PUBLISHED,
    Plan,
    PlanState,
    Referred,
    Run,
    Trigger,
    find_plan,
    find_run,
    reference,
    state_of,
    view,
)

ROTATE = "rotation/rotate"


class Rotate(Struct, frozen=True):
    """A rotation's job: references only."""

    rotation: str
    plan: str


async def start(
    tx: BarrierTransaction,
    plan: str,
    reason: str,
    incident: str = "",
    *,
    now: float,
    trigger: Trigger = "manual",
    by: str = "",
    grace: int = -1,
) -> str:
    """Begin a rotation, or join the one that will replace the version in force; return its id.

    A rotation whose new version is out already is followed by another one, and for an
    incident its grace ends now. `grace` in seconds replaces the plan's. Raises NotFound,
    InvalidRequest when the plan does not let incidents rotate.
    """
    rows = view(tx)
    found = await find_plan(rows, plan)
    trigger = "incident" if incident else trigger
    if trigger == "incident" and found.on_incident == "never":
        raise InvalidRequest(f"the plan '{plan}' is not rotated on incidents")
    state = await settled(tx, rows, plan, now)
    active = await rows.find(f"run/{state.active}", Run) if state.active else None
    if active is not None and active.state not in PUBLISHED and not active.given_up:
        return _joined(rows, active, incident, grace)
    if active is not None and incident:
        await hurry(tx, active, now)
    if state.queued:
        return _joined(rows, await find_run(rows, state.queued), incident, grace)
    asks = found.approval or (trigger == "incident" and found.on_incident == "approval")
    run = Run(
        id=new_id(now), plan=plan, trigger=trigger, reason=reason, created=now, incident=incident, by=by,
        grace=grace, approval=asks, state="queued",
    )  # fmt: skip
    await _add(tx, run, state, now)
    return run.id


async def _add(tx: BarrierTransaction, run: Run, state: PlanState, now: float) -> None:
    """Begin a rotation now, or after the one that is active."""
    rows = view(tx)
    if state.active:
        rows.put(f"run/{run.id}", run)
        rows.put(f"state/{run.plan}", replace(state, queued=run.id))
    else:
        await launch(tx, run, state, now)
    rows.put_bytes(f"history/{run.plan}/{run.id}", b"")


async def launch(tx: BarrierTransaction, run: Run, state: PlanState, now: float) -> None:
    """Make a rotation its plan's active one, with a job."""
    rows = view(tx)
    job = await enqueue(tx, ROTATE, Rotate(run.id, run.plan), now=now, key=run.id)
    rows.put(f"run/{run.id}", replace(run, state="approval" if run.approval else "making", job=job))
    rows.put(f"state/{run.plan}", replace(state, active=run.id, queued=""))


async def plan_for(tx: BarrierTransaction, referred: Referred) -> str | None:
    """The plan that rotates what a fingerprint leads to, None when there is none."""
    found = await view(tx).find_bytes(f"target/{reference(referred.mount, referred.path)}")
    return None if found is None else found.decode()


async def status(tx: BarrierTransaction, rotation: str) -> Run:
    """A rotation as it stands. Raises NotFound."""
    rows = view(tx)
    run = await find_run(rows, rotation)
    return replace(run, state="cancelled") if await vanished(tx, run) else run


async def hurry(tx: BarrierTransaction, run: Run, now: float) -> None:
    """End a rotation's grace now."""
    if run.state != "grace":
        return
    view(tx).put(f"run/{run.id}", replace(run, grace_ends=min(run.grace_ends, now)))
    await wake(tx, run, now)


async def wake(tx: BarrierTransaction, run: Run, now: float) -> None:
    """Let a rotation that sleeps look around."""
    if run.job and (await find(tx, run.job)).state == "sleeping":
        await resume(tx, run.job, now)


async def settled(tx: BarrierTransaction, rows: View, plan: str, now: float) -> PlanState:
    """Where a plan stands, without an active rotation whose job was cancelled before it began."""
    state = await state_of(rows, plan)
    active = await rows.find(f"run/{state.active}", Run) if state.active else None
    if active is None or not await vanished(tx, active):
        return state
    rows.put(f"run/{active.id}", replace(active, state="cancelled", ended=now))
    state = replace(state, active="", last=active.id)
    rows.put(f"state/{plan}", state)
    if state.queued:
        await launch(tx, await find_run(rows, state.queued), state, now)
        state = await state_of(rows, plan)
    return state


async def vanished(tx: BarrierTransaction, run: Run) -> bool:
    """Whether a rotation goes on without its job: someone cancelled that before its first step."""
    if run.state in ENDED or not run.job:
        return False
    try:
        return not (await find(tx, run.job)).active
    except NotFound:
        return True


def _joined(rows: View, run: Run, incident: str, grace: int) -> str:
    """An incident that a rotation under way answers shortens its grace; the rotation names the first."""
    shorter = grace if run.grace < 0 or 0 <= grace < run.grace else run.grace
    if incident or shorter != run.grace:
        rows.put(f"run/{run.id}", replace(run, incident=run.incident or incident, grace=shorter))
    return run.id


def named(plan: Plan) -> str:
    """What a plan is for, in a word."""
    return plan.type or plan.kind
