"""Opening incidents: for findings that are bad enough, for failed rotations, and when someone asks."""

from typing import NamedTuple

from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest
from strongroom.findings import record as findings
from strongroom.findings.callers import SYSTEM, Actor
from strongroom.findings.record import SEVERITIES, Finding, Severity
from strongroom.findings.vault import Vault
from strongroom.jobs import enqueue
from strongroom.remediation import deliveries, playbooks_store, record
from strongroom.remediation.contain import CONTAIN, Contain
from strongroom.remediation.playbook import Mode, grace_of
from strongroom.remediation.record import Incident
from strongroom.rotation import FailedRotation

ROTATION_FAILED = "rotation-failed"


class Wish(NamedTuple):
    """How an incident is to be answered where that is not as the settings say."""

    playbook: str = ""
    mode: Mode | None = None
    why: str = ""


async def consider(
    tx: BarrierTransaction, vault: Vault, finding: Finding, news: str, who: Actor, now: float
) -> None:
    """Open an incident for a finding that needs one, or add it to the one that works on its secret."""
    settings = await record.config(tx)
    if SEVERITIES.index(finding.severity) >= SEVERITIES.index(settings.open_at):
        await open_for(tx, vault, finding, who, now, Wish(why=news))


async def open_for(
    tx: BarrierTransaction, vault: Vault, finding: Finding, who: Actor, now: float, wish: Wish = Wish()
) -> Incident:
    """Open an incident for a finding. Raises NotFound for a playbook that there is not."""
    joined = await _joined(tx, vault, finding, who, now)
    if joined is not None:
        return joined
    name = wish.playbook or await playbooks_store.for_finding(tx, finding)
    chosen = await playbooks_store.find(tx, name)
    settings = await record.config(tx)
    mode = wish.mode or settings.modes.get(finding.severity, chosen.mode)
    secret = f": {finding.held[0].shown}" if finding.held else ""
    incident = Incident(
        id=await record.next_id(tx),
        title=f"{finding.name} leaked{secret}",
        severity=finding.severity,
        playbook=name,
        mode=mode,
        opened=now,
        opened_by=who.name,
        opener=who.authority,
        why=wish.why,
        steps=chosen.step,
        grace=grace_of(chosen, finding.severity),
        findings=(finding.id,),
        held=finding.held,
        state="approval" if mode == "approval" else "open",
    )
    incident.note(now, who.name, "opened", f"{name}, {mode}")
    if mode == "automatic":
        await begin(tx, incident, SYSTEM, now)
    record.save(tx, incident, None)
    _attach(tx, finding, incident, now)
    await deliveries.tell(tx, incident, "opened", now)
    return incident


async def begin(tx: BarrierTransaction, incident: Incident, who: Actor, now: float) -> None:
    """Let the playbook run, as a job in this transaction; the caller saves the incident."""
    if incident.job or incident.state not in ("open", "approval"):
        raise InvalidRequest(f"the incident is {incident.state}: its playbook has begun or is over")
    incident.job = await enqueue(tx, CONTAIN, Contain(incident.id), now=now, key=incident.id)
    incident.state = "containing"
    incident.note(now, who.name, "began", incident.playbook)


async def rotation_failed(tx: BarrierTransaction, failed: FailedRotation, now: float) -> None:
    """A rotation gave up: part of its incident, or an incident of its own, one for each plan."""
    text = f"{failed.rotation}: {failed.error} at {failed.step}; the {failed.standing} one is in force"
    known = failed.incident or await _open_for_plan(tx, failed.plan)
    if known:
        incident = await record.get(tx, known)
        incident.note(now, SYSTEM.name, "rotation failed", text)
        record.save(tx, incident, incident.state)
        return
    chosen = await playbooks_store.find(tx, ROTATION_FAILED)
    severity: Severity = "high"
    settings = await record.config(tx)
    incident = Incident(
        id=await record.next_id(tx),
        title=f"The rotation by {failed.plan} failed",
        severity=severity,
        playbook=ROTATION_FAILED,
        mode=settings.modes.get(severity, chosen.mode),
        opened=now,
        opened_by=SYSTEM.name,
        opener=SYSTEM.authority,
        why=failed.trigger,
        steps=chosen.step,
        plan=failed.plan,
    )
    incident.note(now, SYSTEM.name, "opened", text)
    if incident.mode == "automatic":
        await begin(tx, incident, SYSTEM, now)
    record.save(tx, incident, None)
    record.view(tx).put_bytes(_plan_key(failed.plan), incident.id.encode())
    await deliveries.tell(tx, incident, "opened", now)


async def _open_for_plan(tx: BarrierTransaction, plan: str) -> str:
    """The incident that a failed rotation of this plan has already, "" for none."""
    known = await record.view(tx).find_bytes(_plan_key(plan))
    if known is None or (await record.get(tx, known.decode())).state == "closed":
        return ""
    return known.decode()


def _plan_key(plan: str) -> str:
    return f"plan/{findings.digest(plan)}"


async def _joined(
    tx: BarrierTransaction, vault: Vault, finding: Finding, who: Actor, now: float
) -> Incident | None:
    """The incident that works on this secret already, with the finding added."""
    for held in finding.held:
        incident = await record.working_on(tx, held)
        replaced = incident is not None and not held.version and incident.deed("rotate") is not None
        if incident is not None and not replaced:
            if finding.id not in incident.findings:
                incident.findings = (*incident.findings, finding.id)
                incident.held = tuple(sorted({*incident.held, *finding.held}))
                incident.note(now, who.name, "joined by", finding.id)
                record.save(tx, incident, incident.state)
            _attach(tx, finding, incident, now)
            return incident
    return None


def _attach(tx: BarrierTransaction, finding: Finding, incident: Incident, now: float) -> None:
    before = replace(finding)
    finding.incident = incident.id
    if finding.state in ("open", "triaged"):
        finding.state = "in_progress"
    finding.note(now, SYSTEM.name, "incident", incident.id)
    findings.save(tx, finding, before)
