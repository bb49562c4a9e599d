"""The exposure window: which version leaked, how long it worked while it was exposed, and who read it."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field, to_builtins

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.clock import rfc3339
from strongroom.engines.kv.record import Version
from strongroom.findings import reads
from strongroom.findings.reads import Found, Reads, Wanted
from strongroom.findings.record import Finding, Held
from strongroom.findings.vault import Vault
from strongroom.inventory import secrets

FAMILIES = ("data", "delete", "undelete", "destroy", "metadata")
UNKNOWN = "gone, and the log does not say since when"
SLACK = 10.0  # seconds between what one request writes, and that the inventory may lag behind the log


class Window(Struct, kw_only=True):
    """One version's window. Times in seconds since the epoch, 0 where there is none yet.

    `usable_from` is when the version was made, `usable_until` when it was proved dead, destroyed,
    erased, dropped or deleted for good (0: it still is usable), `exposed_from` when it first stood
    where it was found. `seconds` is how long it was usable and exposed at once, so far.
    """

    held: Held
    usable_from: float = 0
    usable_until: float = 0
    ended_by: str = ""
    exposed_from: float = 0
    exposed_until: float = 0
    seconds: float = 0
    found: Found = field(default_factory=Found)
    differences: tuple[str, ...] = ()


class Sized(Protocol):
    """Something that tells how many entries there are."""

    @property
    def size(self) -> int:
        """Entries so far."""
        ...


class Log:
    """The audit log as files, and how far it goes."""

    def __init__(self, directory: Path, size: Sized) -> None:
        self.directory = directory
        self._size = size

    async def search(self, wanted: Wanted) -> Found:
        """Search all of it, in a thread."""
        return await asyncio.to_thread(reads.search, self.directory, self._size.size, wanted)


async def windows(
    tx: BarrierTransaction, vault: Vault, log: Log, finding: Finding, now: float
) -> list[Window]:
    """A window for each version of ours that the finding is."""
    return [await window(tx, vault, log, finding, held, now) for held in finding.held]


async def window(
    tx: BarrierTransaction, vault: Vault, log: Log, finding: Finding, held: Held, now: float
) -> Window:
    """One version's window, from its record, the finding and the log."""
    made = Window(held=held)
    version = await vault.version(tx, held)
    created = held.created or (version.created if version else "")
    made.usable_from = datetime.fromisoformat(created).timestamp() if created else 0.0
    mount = vault.mount(held)
    since, until = _stamp(made.usable_from - SLACK), ""
    if held.kind == "credential":
        made.usable_from, replaced = await vault.life(tx, held, finding.first_seen)
        since, until = _stamp(made.usable_from), _stamp(replaced)
    if mount is not None:
        kept = secrets.versioned(mount) and held.kind == "kv"
        inner = f"data/{held.path}" if kept else held.path
        changes = tuple(f"{family}/{held.path}" for family in FAMILIES) if kept else ()
        made.found = await log.search(
            Wanted(held.mount, mount.accessor, inner, held.version, since, changes, until, made.usable_from)
        )
        if held.kind == "kv":
            made.differences = _differences(await vault.readers(tx, held), made.found, now)
    _end(made, finding, version, now)
    _measure(made, finding, now)
    return made


def _end(made: Window, finding: Finding, version: Version | None, now: float) -> None:
    """When it stopped working: proved dead, or gone from the vault; whichever came first.

    The record says whether it is gone, the log says when.
    """
    ends = []
    if finding.contained:
        ends.append((finding.contained, "proved dead"))
    if version is not None and 0 < version.deletion <= now:
        ends.append((version.deletion, "deleted"))
    gone = version is None or version.gone(now)
    if gone and made.found.until and made.held.kind == "kv":
        ends.append((made.found.until, made.found.ended_by))
    if ends:
        made.usable_until, made.ended_by = min(ends)
    elif gone and made.held.kind == "kv" and made.held.version:
        made.ended_by = UNKNOWN


def _measure(made: Window, finding: Finding, now: float) -> None:
    made.exposed_from = max(finding.earliest or finding.first_seen, made.usable_from)
    made.exposed_until = made.usable_until
    made.seconds = max(0.0, (made.usable_until or now) - made.exposed_from)


def _differences(known: Mapping[str, float], found: Found, now: float) -> tuple[str, ...]:
    """Where the inventory and the log do not agree on who read; the log is what counts."""
    lines = []
    for identity, last in sorted(known.items()):
        if identity not in found.readers and last < now - SLACK:
            lines.append(f"the inventory knows {identity} as a reader, the log has no such read")
    for identity, seen in sorted(found.readers.items()):
        late = datetime.fromisoformat(seen.last).timestamp() > now - SLACK
        if identity not in known and not late:
            lines.append(f"the log has reads by {identity} that the inventory does not know")
    return tuple(lines)


def shown(made: Window) -> dict[str, Any]:
    """A window as the API answers it."""
    return {
        "secret": made.held.shown,
        **to_builtins(made.held),
        "usable_from": time_of(made.usable_from),
        "usable_until": time_of(made.usable_until),
        "ended_by": made.ended_by,
        "exposed_from": time_of(made.exposed_from),
        "exposed_until": time_of(made.exposed_until),
        "seconds_usable_and_exposed": round(made.seconds, 3),
        "readers": [_reader(each, made) for each in made.found.readers.values()],
        "changes": to_builtins(made.found.changes),
        "log_entries": made.found.size,
        "complete": made.found.complete,
        "differences": list(made.differences),
    }


def entries_of(made: Window) -> list[int]:
    """Sequences of the entries that the window rests on."""
    found = {seq for each in made.found.readers.values() for seq in each.entries}
    return sorted(found | {seq for change in made.found.changes for seq in (change.asked, change.seq)})


def _reader(each: Reads, made: Window) -> dict[str, Any]:
    last = datetime.fromisoformat(each.last).timestamp()
    return {**to_builtins(each), "while_exposed": last >= made.exposed_from}


def time_of(seconds: float) -> str | None:
    """A time for people and programs, None for never."""
    return rfc3339(seconds) if seconds else None


def _stamp(seconds: float) -> str:
    """A time that compares with those of the log, "" for none."""
    return rfc3339(seconds)[:-1] if seconds > 0 else ""
