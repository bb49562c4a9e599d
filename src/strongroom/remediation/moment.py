"""What the steps of a playbook are given: the desk, the transaction they work in, and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.findings import record as findings
from strongroom.findings.callers import SYSTEM
from strongroom.findings.exposure import Log
from strongroom.findings.record import Finding, Held
from strongroom.findings.vault import Vault
from strongroom.remediation import record, replacing
from strongroom.remediation.playbook import Step
from strongroom.remediation.record import Incident


class Entries(Protocol):
    """What writes entries for the server's own steps."""

    async def event(
        self, what: str, path: str, facts: Mapping[str, str | int], *, who: str = "", reason: str = ""
    ) -> int:
        """Write one and wait until it is on disk."""
        ...


class Desk(Protocol):
    """What the steps need of the server."""

    vault: Vault

    def begin(self) -> BarrierTransaction:
        """A new transaction."""
        ...

    @property
    def entries(self) -> Entries:
        """The audit log's own entries."""
        ...

    def log(self) -> Log:
        """The audit log."""
        ...

    async def consumers(self, tx: BarrierTransaction, held: Held) -> list[str]:
        """Who reads a secret, as the inventory knows them."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """The transaction a step works in, and the time."""

    desk: Desk
    tx: BarrierTransaction
    now: float

    async def findings(self, incident: Incident) -> list[Finding]:
        """The incident's findings."""
        found = [await findings.find(self.tx, id) for id in incident.findings]
        return [finding for finding in found if finding is not None]

    async def used(self, held: Held) -> bool:
        """Whether a value of ours still works: kept, and by no rotation proved dead."""
        if not await self.desk.vault.in_use(self.tx, held, self.now):
            return False
        return not await replacing.proved_dead(self.tx, held)


@dataclass(frozen=True, slots=True)
class Run:
    """The desk and the incident of one job."""

    desk: Desk
    incident: str

    def at(self, tx: BarrierTransaction, now: float) -> Moment:
        """The moment of one transaction."""
        return Moment(self.desk, tx, now)

    async def entry(self, step: Step) -> None:
        """Leave a step's outcome in the audit log."""
        incident = await record.get(self.desk.begin(), self.incident)
        deed = incident.deed(step.called)
        if deed is not None:
            facts: dict[str, str | int] = {"incident": incident.id, "outcome": deed.outcome}
            facts |= {f"rotation_{number}": each.id for number, each in enumerate(incident.rotations)}
            facts |= {f"secret_{number}": held.shown for number, held in enumerate(incident.held[:20])}
            await self.desk.entries.event(
                step.do,
                f"incidents/{incident.id}/steps/{step.called}",
                facts,
                who=deed.who or SYSTEM.name,
                reason=deed.text[:500],
            )
