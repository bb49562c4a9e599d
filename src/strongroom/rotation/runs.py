"""`rotations/`, `overdue`, `cadence`: rotations past and present, and what is late."""

from typing import Any

from msgspec.structs import replace

from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Context, Fields, Nothing, Pairs, Response
from strongroom.jobs import cancel as cancel_job
from strongroom.jobs import find as find_job
from strongroom.rotation.ending import WAITING
from strongroom.rotation.house import desk, rows, transaction
from strongroom.rotation.readers import identity_of
from strongroom.rotation.record import ENDED, PUBLISHED, Plan, find_plan, state_of
from strongroom.rotation.schedule import Cadence, cadence
from strongroom.rotation.shown import overdue_since, shown_run
from strongroom.rotation.starting import hurry, settled, status, wake

MAX_LISTED = 200


class Numbered(Fields, frozen=True):
    """A rotation by its id."""

    id: str


class Cancel(Fields, frozen=True):
    """A rotation to end. `force` leaves an old credential that cannot be ended as it is."""

    id: str
    force: bool = False


class OfPlan(Fields, frozen=True):
    """A plan's rotations."""

    name: str
    limit: int = 50


class WriteCadence(Fields, frozen=True):
    """The preset for each `type/classification`; empty restores the defaults."""

    presets: Pairs


async def show(ctx: Context, req: Numbered) -> Response:
    """Show a rotation with its steps."""
    run = await status(transaction(ctx), req.id)
    shown = shown_run(run)
    if run.job and run.state not in ENDED:
        job = await find_job(transaction(ctx), run.job)
        shown["steps"] = [
            {"name": step.name, "at": rfc3339(step.at)}
            for step in job.steps
            if not step.name.startswith(WAITING)
        ]
    return Response(shown)


async def history(ctx: Context, req: OfPlan) -> Response:
    """List a plan's rotations, the newest first."""
    if not 1 <= req.limit <= MAX_LISTED:
        raise InvalidRequest(f"'limit' is between 1 and {MAX_LISTED}")
    await find_plan(rows(ctx), req.name)
    return await _listed(ctx, f"history/{req.name}/", req.limit)


async def list_active(ctx: Context, req: Nothing) -> Response:
    """List the rotations that are under way or queued."""
    ids = []
    for name in await rows(ctx).list("state/"):
        state = await state_of(rows(ctx), name)
        ids += [one for one in (state.active, state.queued) if one]
    found = {one: shown_run(await status(transaction(ctx), one)) for one in ids}
    return _table({one: run for one, run in found.items() if run["state"] not in ENDED})


async def _listed(ctx: Context, prefix: str, limit: int) -> Response:
    keys = await rows(ctx).keys(prefix, limit=limit)
    ids = [key.rpartition("/")[2] for key in keys]
    return _table({one: shown_run(await status(transaction(ctx), one)) for one in ids})


def _table(found: dict[str, dict[str, Any]]) -> Response:
    if not found:
        raise NotFound
    return Response({"keys": list(found), "key_info": found})


async def cancel(ctx: Context, req: Cancel) -> Response:
    """Take a rotation back. Once its version is out it goes on; with `force` it ends as failed."""
    tx = transaction(ctx)
    run = await status(tx, req.id)
    if run.state in ENDED:
        raise InvalidRequest(f"the rotation has ended: it is {run.state}")
    if run.state == "queued":
        state = await state_of(rows(ctx), run.plan)
        rows(ctx).put(f"state/{run.plan}", replace(state, queued=""))
        rows(ctx).put(f"run/{run.id}", replace(run, state="cancelled", ended=ctx.now()))
        return Response()
    if run.state in PUBLISHED or run.given_up:
        if not req.force:
            raise InvalidRequest("its new version is in force: end its grace instead, or use 'force'")
        rows(ctx).put(f"run/{run.id}", replace(run, abandoned=True))
        await wake(tx, run, ctx.now())
    else:
        await cancel_job(tx, run.job, ctx.now())
        await settled(tx, rows(ctx), run.plan, ctx.now())
    ctx.after_commit(desk(ctx).wake)
    return Response(facts={"plan": run.plan})


async def approve(ctx: Context, req: Numbered) -> Response:
    """Let a rotation begin that someone else asked for."""
    run = await status(transaction(ctx), req.id)
    if run.state in ENDED or not run.approval or run.approved_by:
        raise InvalidRequest("the rotation does not wait for an approval")
    who = identity_of(ctx.caller)
    if who == run.by:
        raise PermissionDenied("permission denied: whoever asked for a rotation cannot approve it")
    run = replace(run, approved_by=who)
    rows(ctx).put(f"run/{run.id}", run)
    await wake(transaction(ctx), run, ctx.now())
    ctx.after_commit(desk(ctx).wake)
    return Response(facts={"plan": run.plan})


async def end_grace(ctx: Context, req: Numbered) -> Response:
    """End a rotation's grace now: the old credential is ended although some may still use it."""
    run = await status(transaction(ctx), req.id)
    if run.state != "grace":
        raise InvalidRequest(f"the rotation has no grace now: it is {run.state}")
    await hurry(transaction(ctx), run, ctx.now())
    ctx.after_commit(desk(ctx).wake)
    return Response(facts={"plan": run.plan})


async def list_overdue(ctx: Context, req: Nothing) -> Response:
    """List the plans that should have rotated and have not, the latest first."""
    found: dict[str, dict[str, Any]] = {}
    for name in await rows(ctx).list("plan/"):
        plan: Plan = await find_plan(rows(ctx), name)
        state = await state_of(rows(ctx), name)
        since = await overdue_since(ctx, plan, state)
        if since:
            late = int(ctx.now() - since)
            found[name] = {
                "late_seconds": late,
                "failures": state.failures,
                "last_rotation": state.last_success,
            }
    return _table(dict(sorted(found.items(), key=lambda one: -one[1]["late_seconds"])))


async def read_cadence(ctx: Context, req: Nothing) -> Response:
    """Show how often secrets are rotated, by type and classification, where a plan says `by-risk`."""
    return Response({"presets": (await cadence(rows(ctx))).presets})


async def write_cadence(ctx: Context, req: WriteCadence) -> Response:
    """Change that; every plan by risk follows."""
    made = Cadence(req.presets) if req.presets else Cadence()
    made.check()
    rows(ctx).put("cadence", made)
    for name in await rows(ctx).list("plan/"):
        await desk(ctx).follow(transaction(ctx), await find_plan(rows(ctx), name))
    return Response()
