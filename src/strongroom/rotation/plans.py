"""`plans/`: writing, reading and deleting plans, starting them, and what they have in force."""

import tomllib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Operation, Response, Seconds, Texts, checked_path
from strongroom.rotation import schedule
from strongroom.rotation.house import desk, permit, rows, scene, transaction
from strongroom.rotation.readers import identity_of
from strongroom.rotation.record import MOUNT, Plan, Target, find_plan, find_run, reference, state_of
from strongroom.rotation.shown import shown_plan, shown_preview
from strongroom.rotation.starting import settled, start

LONGEST_REASON = 512
MAX_NAME = 120
LONGEST_GRACE = 90 * 86400
MAX_ATTEMPTS = 100


class Named(Fields, frozen=True):
    """A plan's name."""

    name: str


class WritePlan(Fields, frozen=True, kw_only=True):
    """A plan; what an update does not name stays as it is."""

    name: str
    target: Annotated[
        dict[str, Any] | str | UnsetType, Meta(description="What is rotated: an object, or its TOML or JSON.")
    ] = UNSET
    schedule: Annotated[
        Texts | UnsetType,
        Meta(description="Presets, cron expressions, `by-risk`, `manual`; several are united."),
    ] = UNSET
    type: Annotated[str | UnsetType, Meta(description="For `by-risk`: `ci`, or any word of the cadence.")] = (
        UNSET
    )
    description: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    window: Annotated[Seconds | UnsetType, Meta(description="A run later than this is left out.")] = UNSET
    jitter: Annotated[Seconds | UnsetType, Meta(description="Each run is delayed by up to this.")] = UNSET
    grace: Annotated[Seconds | UnsetType, Meta(description="How long the old credential stays valid.")] = (
        UNSET
    )
    settle: Annotated[Seconds | UnsetType, Meta(description="Grace does not end before that.")] = UNSET
    consumer_days: Annotated[int, Meta(ge=1, le=3650)] | UnsetType = UNSET
    attempts: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS)] | UnsetType = UNSET
    fallback: Literal["keep", "retry", "second_plan"] | UnsetType = UNSET
    retry_after: Seconds | UnsetType = UNSET
    second_plan: str | UnsetType = UNSET
    approval: Annotated[bool | UnsetType, Meta(description="Someone else approves each rotation.")] = UNSET
    on_incident: Literal["automatic", "approval", "never"] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class Start(Fields, frozen=True, kw_only=True):
    """Why to rotate now."""

    name: str
    reason: str = ""
    incident: str = ""
    grace: Annotated[Seconds | UnsetType, Meta(description="Instead of the plan's.")] = UNSET
    dry_run: bool = False


class Labelled(Fields, frozen=True):
    """A plan's credential, by its label."""

    name: str
    label: Literal["", "current", "previous", "pending"] = ""


async def exists(ctx: Context, req: Named) -> bool:
    """Whether a write updates."""
    return await rows(ctx).find_bytes(f"plan/{req.name}") is not None


async def write(ctx: Context, req: WritePlan) -> Response:
    """Store a plan that can be carried out, and let its target follow it."""
    if len(req.name) > MAX_NAME:
        raise InvalidRequest(f"a plan's name has at most {MAX_NAME} characters")
    present = await rows(ctx).find(f"plan/{req.name}", Plan)
    plan = _changed(ctx, req, present)
    target, here = desk(ctx).target(plan), scene(ctx, plan)
    await permit(ctx, target.guards(here))
    await _check(ctx, plan)
    await target.check(here)
    name = reference(*target.place(here))
    if present is not None:
        await _let_go(ctx, present, keep=name)
    taken = await rows(ctx).find_bytes(f"target/{name}")
    if taken is not None and taken.decode() != req.name:
        raise InvalidRequest(f"'{name}' is rotated by the plan '{taken.decode()}' already")
    await target.take(here)
    rows(ctx).put_bytes(f"target/{name}", req.name.encode())
    rows(ctx).put(f"plan/{req.name}", plan)
    await desk(ctx).follow(transaction(ctx), plan)
    return Response()


def _changed(ctx: Context, req: WritePlan, present: Plan | None) -> Plan:
    sent = {
        field: value
        for field in Plan.__struct_fields__
        if field not in ("name", "created") and (value := getattr(req, field)) is not UNSET
    }
    if "target" in sent:
        sent["target"] = _target(sent["target"])
    if "schedule" in sent:
        sent["schedule"] = _schedule(sent["schedule"])
    if present is not None:
        return msgspec.structs.replace(present, **sent)
    if "target" not in sent:
        raise InvalidRequest("missing required field 'target'")
    return Plan(name=req.name, created=ctx.now(), **sent)


def _target(given: dict[str, Any] | str) -> Target:
    """A target from an object or its text; an error names fields, never values."""
    try:
        tree = given if isinstance(given, dict) else _read(given)
        made: Target = msgspec.convert(tree, Target)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        problem = "Invalid value" if what.startswith("Invalid") else what
        raise InvalidRequest(f"field 'target{where.strip('`').removeprefix('$')}': {problem}") from None
    return made


def _read(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, RecursionError):
        raise InvalidRequest("field 'target': neither JSON nor TOML") from None


def _schedule(given: tuple[str, ...]) -> tuple[str, ...]:
    """One text may hold several words: `weekly,ci-monthly`."""
    words = [
        text.split(",") if text.replace(",", "").replace("-", "").isalpha() else [text] for text in given
    ]
    return tuple(word.strip() for each in words for word in each if word.strip() not in ("", "manual"))


async def _check(ctx: Context, plan: Plan) -> None:
    table = await schedule.cadence(rows(ctx))
    schedule.timings(plan, table, "")
    if plan.grace > LONGEST_GRACE:
        raise InvalidRequest(f"grace is at most {LONGEST_GRACE // 86400} days")
    if not plan.description.isprintable() or not plan.type.isprintable():
        raise InvalidRequest("'description' and 'type' are printable")
    if (plan.fallback == "second_plan") != bool(plan.second_plan):
        raise InvalidRequest("'second_plan' goes with the fallback of that name")
    if plan.second_plan:
        if plan.second_plan == plan.name:
            raise InvalidRequest("a plan is not its own second plan")
        await find_plan(rows(ctx), plan.second_plan)
        path = checked_path(f"{MOUNT.path}plans/{plan.second_plan}/rotate")
        await permit(ctx, [(path, Operation.WRITE)])


async def read(ctx: Context, req: Named) -> Response:
    """Show a plan, and where it stands."""
    plan = await find_plan(rows(ctx), req.name)
    return Response(await shown_plan(ctx, plan))


async def list_names(ctx: Context, req: Nothing) -> Response:
    """List the plans."""
    names = await rows(ctx).list("plan/")
    if not names:
        raise NotFound
    info = {}
    for name in names:
        whole = await shown_plan(ctx, await find_plan(rows(ctx), name))
        info[name] = {key: whole[key] for key in ("kind", "schedule", "next_run", "last_rotation", "state")}
    return Response({"keys": names, "key_info": info})


async def delete(ctx: Context, req: Named) -> Response:
    """Forget a plan; the credential in force stays. Refused while a rotation is under way."""
    plan = await rows(ctx).find(f"plan/{req.name}", Plan)
    if plan is None:
        return Response()
    await _let_go(ctx, plan)
    await schedule.forget(transaction(ctx), req.name)
    for key in (f"plan/{req.name}", f"state/{req.name}"):
        rows(ctx).delete(key)
    return Response()


async def _let_go(ctx: Context, plan: Plan, keep: str = "") -> None:
    """Give up a plan's present target, unless it is `keep`."""
    target, here = desk(ctx).target(plan), scene(ctx, plan)
    try:
        name = reference(*target.place(here))
    except InvalidRequest:  # its mount is gone
        name = ""
    if name and name == keep:
        return
    state = await settled(transaction(ctx), rows(ctx), plan.name, ctx.now())
    if state.active:
        raise InvalidRequest(f"the rotation {state.active} is under way: wait for it, or cancel it")
    if name:
        await target.release(here)
        rows(ctx).delete(f"target/{name}")


async def rotate(ctx: Context, req: Start) -> Response:
    """Start a rotation, or join the one under way."""
    if len(req.reason) > LONGEST_REASON or not req.reason.isprintable():
        raise InvalidRequest(f"a reason is up to {LONGEST_REASON} printable characters")
    if req.dry_run:
        return await preview(ctx, Named(name=req.name))
    grace = -1 if isinstance(req.grace, UnsetType) else req.grace
    tx = transaction(ctx)
    reason = req.reason or ctx.request.headers.get("x-strongroom-reason", "")
    rotation = await start(
        tx, req.name, reason, req.incident, now=ctx.now(), by=identity_of(ctx.caller), grace=grace
    )
    ctx.after_commit(desk(ctx).wake)
    run = await find_run(rows(ctx), rotation)
    return Response(
        {"rotation": rotation, "state": run.state}, facts={"rotation": rotation, "plan": req.name}
    )


async def preview(ctx: Context, req: Named) -> Response:
    """Say what a rotation would do and who reads the secret; change nothing."""
    plan = await find_plan(rows(ctx), req.name)
    return Response(await shown_preview(ctx, plan))


async def credentials(ctx: Context, req: Labelled) -> Response:
    """Give out the credential in force, with the previous one while it is valid.

    Needs what reading the secret itself needs.
    """
    plan = await find_plan(rows(ctx), req.name)
    state = await state_of(rows(ctx), req.name)
    run = await find_run(rows(ctx), state.active) if state.active else None
    target, here = desk(ctx).target(plan), scene(ctx, plan, run)
    await permit(ctx, target.guards(here)[:1])
    found = await target.credentials(here)
    if req.label:
        if req.label not in found:
            raise NotFound
        return Response(found[req.label], facts={"version": found[req.label]["version"]})
    found.pop("pending", None)
    version = found["current"]["version"] if "current" in found else 0
    return Response(found, facts={"version": version})
