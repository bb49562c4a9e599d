"""How rotations end and fail, each in one transaction: history, fallback, what was waiting, who is told."""

from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.errors import StrongroomError
from strongroom.jobs import enqueue, find
from strongroom.rotation.neighbours import OnFailure
from strongroom.rotation.record import FailedRotation, Plan, Run, State, Step, find_run, state_of, view
from strongroom.rotation.schedule import DUE, Due
from strongroom.rotation.starting import launch, start

MAX_HISTORY = 200
MAX_RETRIES = 5
WAITING = ("order", "grace-", "approval-")


async def finish(tx: BarrierTransaction, plan: Plan, rotation: str, state: State, now: float) -> None:
    """End a rotation; begin what was waiting for it, or what the plan does instead."""
    rows = view(tx)
    run = await find_run(rows, rotation)
    job = await find(tx, run.job)
    steps = tuple(Step(done.name, done.at) for done in job.steps if not done.name.startswith(WAITING))
    rows.put(f"run/{rotation}", replace(run, state=state, ended=now, steps=steps))
    rows.delete(f"order/{rotation}")
    before = await state_of(rows, plan.name)
    failures = {"done": 0, "failed": before.failures + 1}.get(state, before.failures)
    success = run.published if state == "done" else before.last_success
    after = replace(before, active="", queued="", last=rotation, last_success=success, failures=failures)
    rows.put(f"state/{plan.name}", after)
    if before.queued:
        await launch(tx, await find_run(rows, before.queued), after, now)
    elif state == "failed":
        await _fall_back(tx, plan, run, failures, now)
    await _prune(rows, plan.name)


async def give_up(
    tx: BarrierTransaction, rotation: str, step: str, error: Exception, told: OnFailure
) -> None:
    """Turn back: the old credential stays in force."""
    await _failed(tx, rotation, step, error, told, "undoing")


async def stuck(tx: BarrierTransaction, rotation: str, step: str, error: Exception, told: OnFailure) -> None:
    """The new credential is in force and the old one cannot be ended yet: it is tried for ever."""
    await _failed(tx, rotation, step, error, told, "retiring")


async def _failed(
    tx: BarrierTransaction, rotation: str, step: str, error: Exception, told: OnFailure, state: State
) -> None:
    rows = view(tx)
    run = await find_run(rows, rotation)
    back = state == "undoing"
    kind = type(error).__name__
    rows.put(f"run/{rotation}", replace(run, state=state, given_up=back, error=kind, failed_step=step))
    if step == "approval":
        return
    failed = FailedRotation(
        rotation=rotation,
        plan=run.plan,
        trigger=run.trigger,
        incident=run.incident,
        step=step,
        error=kind,
        standing="old" if back else "new",
    )
    await told(tx, failed)


async def _fall_back(tx: BarrierTransaction, plan: Plan, run: Run, failures: int, now: float) -> None:
    """A fallback has no fallback of its own: plans that name each other would go on for ever."""
    if plan.fallback == "retry" and failures <= MAX_RETRIES:
        await enqueue(tx, DUE, Due(plan.name), now=now, at=now + plan.retry_after)
    elif plan.fallback == "second_plan" and run.trigger != "fallback":
        try:
            await start(
                tx, plan.second_plan, f"instead of '{plan.name}', which failed", now=now, trigger="fallback"
            )
        except StrongroomError:  # it is gone: what failed is told already
            return


async def _prune(rows: View, plan: str) -> None:
    """Ids sort the newest first."""
    prefix = f"history/{plan}/"
    for key in (await rows.keys(prefix))[MAX_HISTORY:]:
        rows.delete(key)
        rows.delete(f"run/{key.removeprefix(prefix)}")
