"""What is stored of a finding: a fingerprint, places and references, never the secret.

Layout below `findings/`: `finding/<id>` a Finding, `state/<state>/<rank>/<id>` its place in
the listings, `held/<reference>/<id>` what of the vault it is, `source/<source>` a Source and
`at/<source>/<id>` the findings seen there.
"""

from hashlib import sha256
from typing import Literal

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.errors import InvalidRequest, NotFound

AREA = "findings/"
MAX_PLACES = 100
MAX_EVENTS = 200
SHORTEST_PREFIX = 4
ID_HEX = 20

State = Literal["open", "triaged", "in_progress", "resolved", "ignored", "false_positive"]
Severity = Literal["low", "medium", "high", "critical"]
Validity = Literal["live", "dead", "unknown", "canary"]
Kind = Literal["kv", "token", "credential"]
STATES: tuple[State, ...] = ("open", "triaged", "in_progress", "resolved", "ignored", "false_positive")
ACTIVE: tuple[State, ...] = ("open", "triaged", "in_progress")
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


class Held(Struct, frozen=True, order=True):
    """What of the vault the secret is: a version of a secret (0 where there are none), or an issued one.

    `created` tells the version from one of that number after the secret was erased, and `mount_uuid`
    the mount where it was moved; "" if not known.
    """

    mount: str
    path: str
    version: int = 0
    field: str = ""
    kind: Kind = "kv"
    created: str = ""
    mount_uuid: str = ""

    @property
    def shown(self) -> str:
        """For people: `secret/app version 3, field password`."""
        version = f" version {self.version}" if self.version else ""
        return f"{self.mount}{self.path}{version}{f', field {self.field}' if self.field else ''}"


class Place(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it was seen. `date` is the commit's (RFC 3339); times in seconds since the epoch.

    `scan` is the last scan that saw it; `gone` when a complete scan of the source no longer did.
    """

    source: str
    path: str = ""
    inside: tuple[str, ...] = ()
    line: int = 0
    column: int = 0
    commit: str = ""
    author: str = ""
    email: str = ""
    date: str = ""
    field: str = ""
    owners: tuple[str, ...] = ()
    seen: float = 0
    scan: str = ""
    gone: float = 0

    @property
    def key(self) -> tuple[str, str, tuple[str, ...], str, int]:
        """What makes it the same place in the next report."""
        return self.source, self.path, self.inside, self.commit, self.line

    @property
    def file(self) -> tuple[str, str, tuple[str, ...], str]:
        """The place without its line, which moves as the file is edited."""
        return self.source, self.path, self.inside, self.commit


class Event(Struct, frozen=True):
    """A line of the timeline."""

    at: float
    who: str
    what: str
    text: str = ""


class Suggestion(Struct, frozen=True):
    """Who may own the secret, and why they are thought to."""

    who: str
    why: str


class Finding(Struct, kw_only=True, omit_defaults=True):
    """One secret that leaked. Times in seconds since the epoch, 0 for never.

    `reported` is the severity the detector gave, `severity` what the facts make of it with
    `reasons`, unless `by_hand`. `earliest` is since when it was exposed, `until` ends an ignored
    finding's rest, `contained` is when the secret was proved dead.
    """

    id: str
    detector: str
    fingerprint: str
    name: str
    first_seen: float
    last_seen: float
    reported: Severity = "medium"
    confidence: str = "medium"
    severity: Severity = "medium"
    reasons: tuple[str, ...] = ()
    by_hand: bool = False
    validity: Validity = "unknown"
    reach: dict[str, str] = {}
    advice: str = ""
    docs: str = ""
    playbook: str = ""
    held: tuple[Held, ...] = ()
    public: bool = False
    places: tuple[Place, ...] = ()
    unlisted: int = 0
    earliest: float = 0
    state: State = "open"
    why: str = ""
    until: float = 0
    assignee: str = ""
    suggested: tuple[Suggestion, ...] = ()
    incident: str = ""
    resolved: float = 0
    contained: float = 0
    reopened: int = 0
    timeline: tuple[Event, ...] = ()

    @property
    def active(self) -> bool:
        """Whether someone must still do something."""
        return self.state in ACTIVE

    def note(self, at: float, who: str, what: str, text: str = "") -> None:
        """Add to the timeline; the middle of a very long one falls away."""
        events = (*self.timeline, Event(at, who, what, text))
        half = MAX_EVENTS // 2
        self.timeline = events if len(events) <= MAX_EVENTS else (*events[:half], *events[-half:])


class Source(Struct, kw_only=True, omit_defaults=True):
    """What is scanned again and again. `complete` is when all of it was, `wanted` when someone asked."""

    name: str
    scanned: float = 0
    complete: float = 0
    scan: str = ""
    wanted: float = 0
    public: bool = False


def view(tx: BarrierTransaction) -> View:
    """The findings' part of the barrier."""
    return View(tx, AREA)


def id_of(detector: str, fingerprint: str) -> str:
    """The name of the one finding of this secret."""
    return sha256(f"{detector}\0{fingerprint}".encode()).hexdigest()[:ID_HEX]


def printable(text: str) -> str:
    """Text of others as people are shown it: control characters, ends of lines too, are spelled out."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def digest(text: str) -> str:
    """A storage name of bounded length."""
    return sha256(text.encode()).hexdigest()[:32]


def held_key(held: Held) -> str:
    """The index entry of a reference: all versions of one secret stand together."""
    return digest(f"{held.mount}\0{held.path}")


def save(tx: BarrierTransaction, finding: Finding, before: Finding | None) -> None:
    """Write a finding with its indexes; `before` is what is stored now."""
    rows = view(tx)
    if before is not None and _listed(before) != _listed(finding):
        rows.delete(_listed(before))
    rows.put(f"finding/{finding.id}", finding)
    rows.put_bytes(_listed(finding), b"")
    for held in finding.held:
        rows.put_bytes(f"held/{held_key(held)}/{finding.id}", b"")
    for source in {place.source for place in finding.places}:
        rows.put_bytes(f"at/{digest(source)}/{finding.id}", b"")


async def find(tx: BarrierTransaction, id: str) -> Finding | None:
    """A finding by its whole id, None when there is none."""
    return await view(tx).find(f"finding/{id}", Finding)


async def get(tx: BarrierTransaction, prefix: str) -> Finding:
    """A finding by its id or the unique beginning of one. Raises NotFound, InvalidRequest."""
    found = await find(tx, prefix)
    if found is not None:
        return found
    if SHORTEST_PREFIX <= len(prefix) < ID_HEX:
        keys = await view(tx).keys(f"finding/{prefix}", limit=2)
        if len(keys) > 1:
            raise InvalidRequest("more than one finding begins so")
        if keys:
            return await view(tx).get(keys[0], Finding)
    raise NotFound("there is no such finding; `strongroom finding list` names them")


async def of_secret(tx: BarrierTransaction, held: Held, limit: int = 1000) -> list[Finding]:
    """The findings that are a version of this secret."""
    prefix = f"held/{held_key(held)}/"
    keys = await view(tx).keys(prefix, limit=limit)
    found = [await find(tx, key.removeprefix(prefix)) for key in keys]
    return [finding for finding in found if finding is not None]


def _listed(finding: Finding) -> str:
    rank = len(SEVERITIES) - 1 - SEVERITIES.index(finding.severity)
    return f"state/{finding.state}/{rank}/{finding.id}"
