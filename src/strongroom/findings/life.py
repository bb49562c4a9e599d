"""When one version of a secret worked, from the changes of the secret in the order of the audit log."""

from datetime import datetime

from msgspec import Struct

MARKED, DESTROYED, ERASED, DROPPED = "deleted", "destroyed", "erased", "dropped"


class Change(Struct, frozen=True, kw_only=True):
    """A change of the secret: who, when, what, and the sequences of request and answer.

    `versions` are those that it deleted, destroyed or brought back; `oldest` is the oldest that a
    write has kept, 0 when it dropped none.
    """

    asked: int
    seq: int
    time: str
    identity: str
    operation: str
    path: str
    family: str = ""
    versions: tuple[int, ...] = ()
    oldest: int = 0


class Life:
    """The end of version `number`, which was made at `created` (seconds since the epoch).

    What comes before it, and after its end, is about others of that number: a secret that was erased
    and written again. A version that was deleted and brought back counts as usable throughout.
    """

    def __init__(self, number: int, created: float) -> None:
        self._number = number
        self._created = created
        self._over = False
        self.until = 0.0
        self.ended_by = ""

    def covers(self, time: str) -> bool:
        """Whether a request answered then was about this version, and not another of its number."""
        return not self._over and _seconds(time) >= self._created

    def take(self, change: Change) -> None:
        """The next change."""
        if not self.covers(change.time):
            return
        if change.family == "undelete" and self._number in change.versions:
            self.until, self.ended_by = 0.0, ""
            return
        how = self._ended(change)
        if how:
            self._over = how != MARKED
            if not self.until:
                self.until, self.ended_by = _seconds(change.time), how

    def _ended(self, change: Change) -> str:
        """How the change ends the version, "" when it does not."""
        if change.family == "metadata":
            return ERASED if change.operation == "delete" else ""
        if change.family == "destroy":
            return DESTROYED if self._number in change.versions else ""
        if change.family == "delete" or (change.family == "data" and change.operation == "delete"):
            return MARKED if self._number in change.versions else ""
        return DROPPED if change.family == "data" and self._number < change.oldest else ""


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
