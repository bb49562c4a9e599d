"""What is stored of an incident. Layout below `incidents/`: `incident/<number>` an Incident,
`state/<state>/<number>` the listing, `open/<secret>` the incident that works on a secret, `config`,
`webhook/<name>` and `playbook/<name>` what the operator set.
"""

from typing import Literal

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.errors import NotFound
from strongroom.findings.record import MAX_EVENTS, Event, Held, Severity, held_key
from strongroom.remediation.playbook import Mode, Step

AREA = "incidents/"
DIGITS = 8

State = Literal["open", "approval", "containing", "by_hand", "contained", "closed"]
STATES: tuple[State, ...] = ("open", "approval", "containing", "by_hand", "contained", "closed")
ACTIVE: tuple[State, ...] = ("open", "approval", "containing", "by_hand", "contained")
Outcome = Literal["done", "skipped", "failed", "by_hand"]


class Deed(Struct, frozen=True):
    """A step of the playbook that has ended, and how."""

    step: str
    outcome: Outcome
    at: float
    text: str = ""
    who: str = ""


class Approval(Struct, frozen=True):
    """Who let the playbook run, and when."""

    who: str
    at: float
    reason: str = ""


class Rotation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rotation that the incident began: of `held`, by `plan`."""

    id: str
    plan: str
    held: Held
    state: str = ""
    new: int = 0


class Incident(Struct, kw_only=True, omit_defaults=True):
    """What someone, or the server, must answer. Times in seconds since the epoch, 0 for never.

    `opener` and `requester` are authorities: neither may approve. `steps` is the playbook as it
    was when the incident began. `waiting` is the step that is left to people.
    """

    id: str
    title: str
    severity: Severity
    playbook: str
    mode: Mode
    opened: float
    opened_by: str
    opener: str = ""
    requested_by: str = ""
    requester: str = ""
    why: str = ""
    state: State = "open"
    steps: tuple[Step, ...] = ()
    grace: int = 0
    findings: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    plan: str = ""
    approvals: tuple[Approval, ...] = ()
    job: str = ""
    waiting: str = ""
    rotations: tuple[Rotation, ...] = ()
    deeds: tuple[Deed, ...] = ()
    contained: float = 0
    closed: float = 0
    timeline: tuple[Event, ...] = ()

    def note(self, at: float, who: str, what: str, text: str = "") -> None:
        """Add to the timeline; the middle of a very long one falls away."""
        events = (*self.timeline, Event(at, who, what, text))
        half = MAX_EVENTS // 2
        self.timeline = events if len(events) <= MAX_EVENTS else (*events[:half], *events[-half:])

    def did(self, step: str, outcome: Outcome, at: float, text: str = "", who: str = "") -> None:
        """Record how a step ended."""
        self.deeds = (*self.deeds, Deed(step, outcome, at, text, who))

    def deed(self, step: str) -> Deed | None:
        """How a step ended, None while it has not."""
        return next((deed for deed in self.deeds if deed.step == step), None)


class Config(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When findings become incidents. `modes` overrides the playbooks' mode by severity."""

    open_at: Severity = "high"
    modes: dict[Severity, Mode] = {}


class Counter(Struct, frozen=True):
    """The number of the last incident."""

    last: int = 0


def view(tx: BarrierTransaction) -> View:
    """The incidents' part of the barrier."""
    return View(tx, AREA)


async def next_id(tx: BarrierTransaction) -> str:
    """The next number."""
    counter = await view(tx).find("counter", Counter) or Counter()
    view(tx).put("counter", Counter(counter.last + 1))
    return str(counter.last + 1)


def save(tx: BarrierTransaction, incident: Incident, before: State | None) -> None:
    """Write an incident with its indexes; `before` is the state that is stored now."""
    rows = view(tx)
    if before is not None and before != incident.state:
        rows.delete(_listed(before, incident.id))
    rows.put(f"incident/{incident.id}", incident)
    rows.put_bytes(_listed(incident.state, incident.id), b"")
    for held in incident.held:
        if incident.state == "closed":
            rows.delete(_working(held))
        else:
            rows.put_bytes(_working(held), incident.id.encode())


async def get(tx: BarrierTransaction, id: str) -> Incident:
    """An incident. Raises NotFound."""
    found = await view(tx).find(f"incident/{id}", Incident)
    if found is None:
        raise NotFound(f"there is no incident {id}")
    return found


async def working_on(tx: BarrierTransaction, held: Held) -> Incident | None:
    """The incident that answers the leak of this version, None when there is none."""
    known = await view(tx).find_bytes(_working(held))
    return await get(tx, known.decode()) if known is not None else None


async def config(tx: BarrierTransaction) -> Config:
    """When findings become incidents."""
    return await view(tx).find("config", Config) or Config()


def _listed(state: State, id: str) -> str:
    return f"state/{state}/{10**DIGITS - int(id):0{DIGITS}}"


def number_of(key: str) -> str:
    """The incident that an index entry of the listing stands for."""
    return str(10**DIGITS - int(key.rpartition("/")[2]))


def _working(held: Held) -> str:
    return f"open/{held_key(held)}/{held.version}"
