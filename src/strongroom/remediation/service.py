"""What incidents are given by the server, and how they are joined to it."""

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.findings import FindingsDesk, Vault
from strongroom.findings.callers import Actor
from strongroom.findings.exposure import Log
from strongroom.findings.record import Finding, Held
from strongroom.findings.service import house
from strongroom.framework import Context, Mount
from strongroom.jobs import Workers
from strongroom.remediation import contain, opening
from strongroom.remediation.deliveries import Messenger
from strongroom.remediation.moment import Moment
from strongroom.rotation import FailedRotation

SERVICE = "incidents"
MOUNT = Mount(
    path="incidents/",
    kind="incidents",
    uuid="incidents",
    accessor="incidents_strongroom",
    description="leaks that someone must answer, their playbooks and evidence",
)


class IncidentsDesk:
    """One server's incidents. `attach` joins it to the core, the findings and the jobs."""

    def __init__(
        self, core: Core, findings: FindingsDesk, workers: Workers, outbound: tuple[str, ...]
    ) -> None:
        self._core = core
        self._findings = findings
        self._workers = workers
        self.vault: Vault = findings.vault
        self.entries = core.auditing
        self.messenger = Messenger(core.barrier.begin, core.clock, outbound)

    def attach(self) -> None:
        """Serve `incidents/`, hear of findings, and run playbooks."""
        self._core.services[SERVICE] = self
        self._core.joined.mounts[MOUNT.path] = MOUNT
        self._findings.told.append(self.consider)
        self._workers.register(contain.kind(self))
        self._workers.register(self.messenger.kind())

    def begin(self) -> BarrierTransaction:
        """A new transaction."""
        return self._core.barrier.begin()

    async def consider(
        self, tx: BarrierTransaction, finding: Finding, news: str, who: Actor, now: float
    ) -> None:
        """Open an incident for a finding that needs one."""
        await opening.consider(tx, self.vault, finding, news, who, now)

    async def on_failure(self, tx: BarrierTransaction, failed: FailedRotation) -> None:
        """Open an incident for a rotation that gave up."""
        await opening.rotation_failed(tx, failed, self._core.clock.now())

    async def consumers(self, tx: BarrierTransaction, held: Held) -> list[str]:
        """Who reads a secret, the latest first."""
        known = await self.vault.readers(tx, held)
        return sorted(known, key=lambda name: -known[name])

    def moment(self, tx: BarrierTransaction, now: float) -> Moment:
        """What a step needs that is done in a request's transaction."""
        return Moment(self, tx, now)

    def log(self) -> Log:
        """The audit log as files."""
        return self._findings.log()

    def wake(self) -> None:
        """Let the workers look for jobs now."""
        self._workers.wake()


def desk(ctx: Context) -> IncidentsDesk:
    """The server's incidents."""

    found: IncidentsDesk = house(ctx).core.services[SERVICE]
    return found
