"""`sys/jobs`: list, show, retry, resume and cancel jobs; `sys/job-schedules`: when the next ones come.

What a step returned is never shown, and of arguments only text and numbers.
"""

from typing import Any, get_args

from msgspec import msgpack

from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Response, Route
from strongroom.jobs import Job, cancel, find, listed, resume, retry, schedules
from strongroom.jobs.record import State
from strongroom.jobs.schedules import Schedule
from strongroom.system.house import transaction

STATES: tuple[State, ...] = get_args(State)
MAX_LISTED = 1000


class Named(Fields, frozen=True):
    """A job by its id."""

    id: str


class Which(Fields, frozen=True):
    """Which jobs to list: of a state, of a kind, after a page's `next`."""

    state: str = ""
    kind: str = ""
    after: str = ""
    limit: int = 100


class ScheduleNamed(Fields, frozen=True):
    """A schedule by its name."""

    name: str


class SchedulesAfter(Fields, frozen=True):
    """Which schedules to list."""

    after: str = ""
    limit: int = 1000


async def list_jobs(ctx: Context, req: Which) -> Response:
    if not 1 <= req.limit <= MAX_LISTED:
        raise InvalidRequest(f"'limit' is between 1 and {MAX_LISTED}")
    page = await listed(
        transaction(ctx), state=_state(req.state), kind=req.kind, after=req.after, limit=req.limit
    )
    if not page.jobs and not page.after:
        raise NotFound
    return Response(
        {
            "keys": [job.id for job in page.jobs],
            "key_info": {job.id: _brief(job) for job in page.jobs},
            "next": page.after,
        }
    )


async def show(ctx: Context, req: Named) -> Response:
    return Response(_whole(await find(transaction(ctx), req.id)))


async def cancel_job(ctx: Context, req: Named) -> Response:
    job = await cancel(transaction(ctx), req.id, ctx.now())
    return Response(_brief(job), facts={"kind": job.kind})


async def retry_job(ctx: Context, req: Named) -> Response:
    job = await retry(transaction(ctx), req.id, ctx.now())
    return Response(_brief(job), facts={"kind": job.kind})


async def resume_job(ctx: Context, req: Named) -> Response:
    job = await resume(transaction(ctx), req.id, ctx.now())
    return Response(_brief(job), facts={"kind": job.kind})


async def list_schedules(ctx: Context, req: SchedulesAfter) -> Response:
    if not 1 <= req.limit <= MAX_LISTED:
        raise InvalidRequest(f"'limit' is between 1 and {MAX_LISTED}")
    tx = transaction(ctx)
    names = await schedules.names(tx, req.after, req.limit)
    if not names:
        raise NotFound
    return Response(
        {"keys": names, "key_info": {name: _planned(await schedules.find(tx, name)) for name in names}}
    )


async def show_schedule(ctx: Context, req: ScheduleNamed) -> Response:
    schedule = await schedules.find(transaction(ctx), req.name)
    timing = {name: getattr(schedule.timing, name) for name in schedule.timing.__struct_fields__}
    return Response({**_planned(schedule), **timing, "arguments": _shown(schedule.arguments)})


def _state(text: str) -> State | None:
    if not text:
        return None
    for state in STATES:
        if text == state:
            return state
    raise InvalidRequest(f"'state' is one of {', '.join(STATES)}")


def _brief(job: Job) -> dict[str, Any]:
    return {
        "kind": job.kind,
        "state": "cancelling" if job.cancelling and job.active else job.state,
        "created": rfc3339(job.created),
        "due": _time(job.due),
        "ended": _time(job.ended),
        "attempts": job.attempts,
        "error": job.error,
        "failed_step": job.failed_step,
    }


def _whole(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        **_brief(job),
        "started": _time(job.started),
        "schedule": job.schedule,
        "claims": job.fence,
        "steps": [{"name": step.name, "at": rfc3339(step.at)} for step in job.steps],
        "arguments": _shown(job.arguments),
    }


def _planned(schedule: Schedule) -> dict[str, Any]:
    return {
        "kind": schedule.kind,
        "next_run": _time(schedule.due),
        "last_run": _time(schedule.last_run),
        "last_job": schedule.last_job,
        "left_out": schedule.left_out,
    }


def _shown(arguments: bytes) -> Any:
    return _readable(msgpack.decode(arguments))


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _readable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_readable(member) for member in value]
    return value if isinstance(value, str | int | float | bool | None) else "…"


def _time(seconds: float) -> str | None:
    return rfc3339(seconds) if seconds else None


ROUTES = (
    Route(path="jobs", list=list_jobs, summary="List jobs, by state and kind; the newest first."),
    Route(path="jobs/{id}", read=show, summary="A job with its steps."),
    Route(path="jobs/{id}/cancel", write=cancel_job, summary="End a job before its next step."),
    Route(path="jobs/{id}/retry", write=retry_job, summary="Run a failed job from the step that failed."),
    Route(path="jobs/{id}/resume", write=resume_job, summary="Let a sleeping job go on now."),
    Route(path="job-schedules", list=list_schedules, summary="List schedules with their next runs."),
    Route(path="job-schedules/{name:path}", read=show_schedule, summary="A schedule with its timing."),
)
