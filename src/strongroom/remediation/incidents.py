"""Routes of single incidents: list, show, open, run, approve, done, close, evidence."""

from typing import Annotated, Any, Literal

from msgspec import Meta, to_builtins

from strongroom.errors import InvalidRequest, NotFound
from strongroom.findings import engine as findings_engine
from strongroom.findings import exposure
from strongroom.findings import record as findings
from strongroom.findings.callers import actor
from strongroom.findings.exposure import time_of
from strongroom.findings.service import house
from strongroom.framework import Context, Fields, Raw, Response
from strongroom.jobs import resume
from strongroom.jobs.queue import find
from strongroom.remediation import approval, opening, record
from strongroom.remediation import evidence as evidence_file
from strongroom.remediation.deeds import contain
from strongroom.remediation.deliveries import tell
from strongroom.remediation.playbook import Mode
from strongroom.remediation.record import ACTIVE, STATES, Incident, State
from strongroom.remediation.service import desk

PAGE = 1000
Text = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Number = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,7}$")]


class Named(Fields, frozen=True):
    """An incident by its number."""

    id: Number


class Listing(Fields, frozen=True):
    """Which incidents; without a state those that are not closed."""

    state: State | Literal["", "all"] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 100


class Opening(Fields, frozen=True):
    """A finding to answer. Without a playbook or mode they are chosen as for any other."""

    finding: str
    playbook: str = ""
    mode: Mode | None = None
    reason: Text = ""


class Reasoned(Fields, frozen=True):
    """An incident and why."""

    id: Number
    reason: Text = ""


class Noted(Fields, frozen=True):
    """A line for the timeline."""

    id: Number
    text: Annotated[Text, Meta(min_length=1)]


class StepDone(Fields, frozen=True):
    """A step that people have done, and how."""

    id: Number
    step: str
    text: Annotated[Text, Meta(min_length=1)]


async def listing(ctx: Context, req: Listing) -> Response:
    """Incidents by state, the newest first."""
    rows, tx = record.view(house(ctx).tx), house(ctx).tx
    wanted = STATES if req.state == "all" else (req.state,) if req.state else ACTIVE
    found: list[Incident] = []
    for state in wanted:
        keys = await rows.keys(f"state/{state}/", limit=req.limit)
        found += [await record.get(tx, record.number_of(key)) for key in keys]
    found.sort(key=lambda incident: -int(incident.id))
    if not found:
        raise NotFound
    shown = found[: req.limit]
    return Response(
        {
            "keys": [incident.id for incident in shown],
            "key_info": {incident.id: brief(incident) for incident in shown},
        }
    )


async def show(ctx: Context, req: Named) -> Response:
    """An incident with its steps and timeline."""
    return Response(whole(await record.get(house(ctx).tx, req.id)), facts={"incident": req.id})


async def open_one(ctx: Context, req: Opening) -> Response:
    """Open an incident for a finding, or name the one that works on its secret."""
    tx, office = house(ctx).tx, desk(ctx)
    finding = await findings.get(tx, req.finding)
    if finding.incident and (await record.get(tx, finding.incident)).state != "closed":
        raise InvalidRequest(f"incident {finding.incident} is open for this finding")
    wish = opening.Wish(req.playbook, req.mode, req.reason)
    who = await actor(tx, ctx.caller)
    incident = await opening.open_for(tx, office.vault, finding, who, ctx.now(), wish)
    ctx.after_commit(office.wake)
    return Response(brief(incident), facts={"incident": incident.id})


async def run(ctx: Context, req: Reasoned) -> Response:
    """Run the playbook; where it needs approval, ask for that."""
    tx = house(ctx).tx
    incident = await record.get(tx, req.id)
    before = incident.state
    await approval.request(tx, incident, await actor(tx, ctx.caller), ctx.now())
    return _changed(ctx, incident, before)


async def approve(ctx: Context, req: Reasoned) -> Response:
    """Let the playbook run: not for whoever opened the incident or asked for it."""
    tx = house(ctx).tx
    incident = await record.get(tx, req.id)
    before = incident.state
    await approval.approve(tx, incident, await actor(tx, ctx.caller), ctx.now(), req.reason)
    return _changed(ctx, incident, before)


async def done(ctx: Context, req: StepDone) -> Response:
    """Say that a step which waits for people is done; the playbook goes on."""
    tx, office = house(ctx).tx, desk(ctx)
    incident = await record.get(tx, req.id)
    before = incident.state
    if incident.waiting != req.step:
        waiting = f"it waits for '{incident.waiting}'" if incident.waiting else "it waits for nobody"
        raise InvalidRequest(f"the step '{req.step}' is not left to people: {waiting}")
    who = (await actor(tx, ctx.caller)).name
    step = next(each for each in incident.steps if each.called == req.step)
    if step.do == "verify_dead":
        moment = office.moment(tx, ctx.now())
        await contain(moment, incident, step, f"{req.text} (said, not checked)", who)
    else:
        incident.did(req.step, "by_hand", ctx.now(), req.text, who)
    incident.note(ctx.now(), who, "did", f"{req.step}: {req.text}")
    if incident.job and (await find(tx, incident.job)).state == "sleeping":
        await resume(tx, incident.job, ctx.now())
    return _changed(ctx, incident, before)


async def note(ctx: Context, req: Noted) -> Response:
    """Add to the timeline."""
    tx = house(ctx).tx
    incident = await record.get(tx, req.id)
    incident.note(ctx.now(), (await actor(tx, ctx.caller)).name, "note", req.text)
    return _changed(ctx, incident, incident.state)


async def close(ctx: Context, req: Reasoned) -> Response:
    """Close an incident whose playbook has not begun; one that runs closes itself."""
    tx = house(ctx).tx
    incident = await record.get(tx, req.id)
    before = incident.state
    if before not in ("open", "approval"):
        raise InvalidRequest(f"the incident is {before}: its playbook closes it")
    if not req.reason:
        raise InvalidRequest("say why it is closed: 'reason'")
    incident.state, incident.closed = "closed", ctx.now()
    incident.note(ctx.now(), (await actor(tx, ctx.caller)).name, "closed", req.reason)
    await tell(tx, incident, "closed", ctx.now())
    return _changed(ctx, incident, before)


async def evidence(ctx: Context, req: Named) -> Response:
    """Everything about an incident in one file that proves itself."""
    tx, office = house(ctx).tx, desk(ctx)
    incident = await record.get(tx, req.id)
    found = [await findings.find(tx, id) for id in incident.findings]
    known = [finding for finding in found if finding is not None]
    windows = [
        window
        for finding in known
        for window in await exposure.windows(tx, office.vault, office.log(), finding, ctx.now())
    ]
    content = {
        "incident": whole(incident),
        "findings": [findings_engine.whole(finding) for finding in known],
        "exposure": [exposure.shown(window) for window in windows],
    }
    words = [f'"incidents/{incident.id}"', f'"incidents/{incident.id}/']
    words += [word for finding in known for word in (f'findings/{finding.id}"', f"findings/{finding.id}/")]
    words += [rotation.id for rotation in incident.rotations]
    entries = sorted({seq for window in windows for seq in exposure.entries_of(window)})
    matter = evidence_file.Matter(f"incidents/{incident.id}", content, entries, words)
    who = (await actor(tx, ctx.caller)).name
    made = await evidence_file.make(house(ctx).core.auditing, office.log().directory, matter, who, ctx.now())
    return Response(raw=Raw("application/zip", made), facts={"incident": incident.id, "bytes": len(made)})


def _changed(ctx: Context, incident: Incident, before: State) -> Response:
    record.save(house(ctx).tx, incident, before)
    ctx.after_commit(desk(ctx).wake)
    return Response(brief(incident), facts={"incident": incident.id, "state": incident.state})


def brief(incident: Incident) -> dict[str, Any]:
    """An incident as listings show it."""
    return {
        "id": incident.id,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "playbook": incident.playbook,
        "mode": incident.mode,
        "waiting_for": incident.waiting,
        "opened": time_of(incident.opened),
        "contained": time_of(incident.contained),
        "closed": time_of(incident.closed),
    }


def whole(incident: Incident) -> dict[str, Any]:
    """An incident with all that is known."""
    waiting = next((step.text for step in incident.steps if step.called == incident.waiting), "")
    return {
        **brief(incident),
        "opened_by": incident.opened_by,
        "requested_by": incident.requested_by,
        "reason": incident.why,
        "to_do": waiting,
        "grace_seconds": incident.grace,
        "findings": list(incident.findings),
        "secrets": [held.shown for held in incident.held],
        "plan": incident.plan,
        "rotations": [
            {"id": each.id, "plan": each.plan, "state": each.state, "new_version": each.new}
            for each in incident.rotations
        ],
        "approvals": [{**to_builtins(each), "at": time_of(each.at)} for each in incident.approvals],
        "steps": [_step(incident, step.called) for step in incident.steps],
        "job": incident.job,
        "timeline": [{**to_builtins(event), "at": time_of(event.at)} for event in incident.timeline],
    }


def _step(incident: Incident, called: str) -> dict[str, Any]:
    deed = incident.deed(called)
    if deed is None:
        outcome = "waits for people" if incident.waiting == called else ""
        return {"step": called, "outcome": outcome, "at": None, "text": "", "who": ""}
    return {
        "step": called,
        "outcome": deed.outcome,
        "at": time_of(deed.at),
        "text": deed.text,
        "who": deed.who,
    }
