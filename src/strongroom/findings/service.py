"""What findings are given by the server: the vault's answers, the log's files, who wants to hear."""

from pathlib import Path

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.core.house import House
from strongroom.errors import IntegrityFailure
from strongroom.findings import ingest
from strongroom.findings.callers import Actor
from strongroom.findings.exposure import Log
from strongroom.findings.vault import Vault
from strongroom.framework import Context, Mount

SERVICE = "findings"
MOUNT = Mount(
    path="findings/",
    kind="findings",
    uuid="findings",
    accessor="findings_strongroom",
    description="leaked secrets: where they stand, since when, and who read them",
)


class FindingsDesk:
    """One server's findings. `attach` joins it to the core; `told` hear of findings that need someone."""

    def __init__(self, core: Core, vault: Vault, audit_directory: Path) -> None:
        self._core = core
        self.vault = vault
        self.directory = audit_directory
        self.told: list[ingest.Told] = []

    def attach(self) -> None:
        """Serve `findings/`."""
        self._core.services[SERVICE] = self
        self._core.joined.mounts[MOUNT.path] = MOUNT

    def log(self) -> Log:
        """The audit log, as far as it goes now. Raises IntegrityFailure where it keeps no files."""
        if not self.directory.is_dir():
            raise IntegrityFailure("the audit log has no files here")
        return Log(self.directory, self._core.auditing.log)

    def intake(self, tx: BarrierTransaction, who: Actor, now: float) -> ingest.Intake:
        """What takes a report in `tx`."""
        return ingest.Intake(tx, self.vault, tuple(self.told), who, now)


def desk(ctx: Context) -> FindingsDesk:
    """The server's findings."""
    found: FindingsDesk = house(ctx).core.services[SERVICE]
    return found


def house(ctx: Context) -> House:
    """The core and the request's whole transaction."""
    if not isinstance(ctx.house, House):
        raise TypeError("this handler is not mounted as part of the system")
    return ctx.house
