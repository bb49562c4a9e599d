"""How plans and rotations look on the wire."""

from typing import Any

import msgspec

from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest
from strongroom.framework import Context
from strongroom.rotation import schedule
from strongroom.rotation.grace import DAY
from strongroom.rotation.house import desk, rows, scene, transaction
from strongroom.rotation.neighbours import Consumer
from strongroom.rotation.record import ENDED, Plan, PlanState, Run, state_of
from strongroom.rotation.starting import status

SLACK = 3600.0
STEPS = ("create", "distribute", "verify", "publish", "grace", "retire", "verify-dead")


async def shown_plan(ctx: Context, plan: Plan) -> dict[str, Any]:
    """A plan with where it stands."""
    state = await state_of(rows(ctx), plan.name)
    planned = await schedule.planned(transaction(ctx), plan.name)
    active = await status(transaction(ctx), state.active) if state.active else None
    if active is not None and active.state in ENDED:
        active = None
    kept = {name: getattr(plan, name) for name in plan.__struct_fields__ if name not in ("created", "target")}
    return {
        **kept,
        "kind": plan.kind,
        "target": msgspec.to_builtins(plan.target),
        "created": rfc3339(plan.created),
        "state": active.state if active else "idle",
        "active_rotation": active.id if active else "",
        "queued_rotation": state.queued,
        "last_rotation": _time(state.last_success),
        "failures": state.failures,
        "next_run": _time(min((one.due for one in planned), default=0)),
        "runs": [{"cron": one.timing.cron, "next_run": _time(one.due)} for one in planned],
        "overdue_since": _time(await overdue_since(ctx, plan, state)),
    }


async def overdue_since(ctx: Context, plan: Plan, state: PlanState) -> float:
    """When a plan should have rotated at the latest, 0 while that is not over.

    An hour more than its schedule says: a rotation takes its time.
    """
    if plan.paused:
        return 0
    last = max(state.last_success, plan.created)
    planned = await schedule.planned(transaction(ctx), plan.name)
    wanted = min((one.timing.after(last, last) + one.timing.jitter for one in planned), default=0)
    return wanted + SLACK if wanted and wanted + SLACK < ctx.now() else 0


async def shown_preview(ctx: Context, plan: Plan) -> dict[str, Any]:
    """What a rotation would do, and to whom."""
    here, target = scene(ctx, plan), desk(ctx).target(plan)
    mount, path = target.place(here)
    try:
        await target.check(here)
    except InvalidRequest as error:
        problem = str(error)
    else:
        problem = ""
    since = ctx.now() - plan.consumer_days * DAY
    known = await desk(ctx).rotations.waiting.consumers(transaction(ctx), plan, since)
    labels = await target.credentials(here)
    return {
        "plan": plan.name,
        "secret": f"{mount}{path}",
        "current_version": labels.get("current", {}).get("version", 0),
        "steps": list(STEPS),
        "grace": plan.grace,
        "needs_approval": plan.approval,
        "problem": problem,
        "consumers": [_consumer(one) for one in known],
    }


def shown_run(run: Run) -> dict[str, Any]:
    """A rotation."""
    return {
        "id": run.id,
        "plan": run.plan,
        "state": run.state,
        "trigger": run.trigger,
        "reason": run.reason,
        "incident": run.incident,
        "started_by": run.by,
        "approved_by": run.approved_by,
        "created": rfc3339(run.created),
        "published": _time(run.published),
        "grace_ends": _time(run.grace_ends),
        "ended": _time(run.ended),
        "old_version": run.old,
        "new_version": run.new,
        "late_consumers": run.late,
        "error": run.error,
        "failed_step": run.failed_step,
        "job": run.job,
        "steps": [{"name": step.name, "at": rfc3339(step.at)} for step in run.steps],
    }


def _consumer(one: Consumer) -> dict[str, Any]:
    return {"name": one.name, "version": one.version, "last_read": _time(one.last_read)}


def _time(seconds: float) -> str | None:
    return rfc3339(seconds) if seconds else None
