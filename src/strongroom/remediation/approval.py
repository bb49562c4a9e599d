"""Who may let a playbook run: never the one who opened the incident or asked for it."""

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, PermissionDenied
from strongroom.findings.callers import Actor
from strongroom.remediation import opening
from strongroom.remediation.record import Approval, Incident


async def approve(tx: BarrierTransaction, incident: Incident, who: Actor, now: float, reason: str) -> None:
    """Approve and begin. Raises PermissionDenied for the opener, the requester, or one of unknown origin."""
    if incident.state != "approval":
        raise InvalidRequest(f"the incident is {incident.state}: it waits for no approval")
    if not who.authority:
        raise PermissionDenied("a token without a login behind it cannot approve")
    if who.authority in (incident.opener, incident.requester):
        raise PermissionDenied("whoever opened the incident or asked for its playbook cannot approve it")
    incident.approvals = (*incident.approvals, Approval(who.name, now, reason))
    incident.note(now, who.name, "approved", reason)
    await opening.begin(tx, incident, who, now)


async def request(tx: BarrierTransaction, incident: Incident, who: Actor, now: float) -> None:
    """Ask for the playbook: it begins, or goes on waiting for someone else's approval."""
    if incident.mode == "approval":
        if incident.state != "approval":
            raise InvalidRequest(f"the incident is {incident.state}")
        incident.requested_by, incident.requester = who.name, who.authority
        incident.note(now, who.name, "asked for", incident.playbook)
        return
    await opening.begin(tx, incident, who, now)
