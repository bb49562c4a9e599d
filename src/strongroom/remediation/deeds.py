"""What the steps of a playbook do, each in a transaction of the incident's job.

A deed answers `done`, `wait` (look again later) or `hand` (people must do it), and records how it
ended with the incident.
"""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from strongroom.findings import exposure, ingest, states
from strongroom.findings import record as findings
from strongroom.findings.callers import SYSTEM
from strongroom.findings.record import Held, Source
from strongroom.remediation import deliveries, replacing
from strongroom.remediation.moment import Moment
from strongroom.remediation.playbook import Step
from strongroom.remediation.record import Incident

DONE, WAIT, HAND = "done", "wait", "hand"
DEAD = "dead"


Doing = Callable[[Moment, Incident, Step], Awaitable[str]]


async def match(at: Moment, incident: Incident, step: Step) -> str:
    """Which of the vault's values leaked."""
    held = {each for finding in await at.findings(incident) for each in finding.held}
    incident.held = tuple(sorted({*incident.held, *held}))
    text = ", ".join(each.shown for each in incident.held) or "no value of this vault"
    incident.did(step.called, "done", at.now, text)
    return DONE


async def live(at: Moment, incident: Incident, step: Step) -> str:
    """Whether it still works."""
    dead = await _dead(at, incident)
    known = [finding for finding in await at.findings(incident) if finding.validity == "live"]
    proof = "its provider takes it" if known else "the vault gives it out" if incident.held else "not known"
    incident.did(step.called, "done", at.now, DEAD if dead else f"live: {proof}")
    return DONE


async def rotate(at: Moment, incident: Incident, step: Step) -> str:
    """Begin to replace what works still, by the plans that know it."""
    if await _dead(at, incident):
        incident.did(step.called, "skipped", at.now, "it no longer works")
        return DONE
    begun = dict.fromkeys(each.id for each in incident.rotations)
    for held in incident.held:
        if not await at.used(held):
            continue
        why = f"incident {incident.id}: {incident.title}"
        rotation = await replacing.begin(at.tx, held, why, incident.id, incident.grace, at.now)
        if rotation is not None and rotation.id not in begun:
            begun[rotation.id] = None
            incident.rotations = (*incident.rotations, rotation)
            incident.note(at.now, SYSTEM.name, "rotates", f"{held.shown} by {rotation.plan}: {rotation.id}")
    return WAIT if incident.rotations else HAND


async def rotated(at: Moment, incident: Incident, step: Step) -> str:
    """Whether the new ones are out: their consumers can fetch them."""
    await _look(at, incident)
    if any(each.state == replacing.FAILED for each in incident.rotations):
        return HAND
    if any(each.state == replacing.MAKING for each in incident.rotations):
        return WAIT
    if await _without_plan(at, incident):
        return HAND
    text = ", ".join(f"{each.held.mount}{each.held.path} version {each.new}" for each in incident.rotations)
    incident.did(step.called, "done", at.now, f"new: {text}")
    return DONE


async def notify(at: Moment, incident: Incident, step: Step) -> str:
    """Tell the consumers' people; the new version itself waits for the consumers."""
    names: list[str] = []
    for held in incident.held:
        names += [name for name in await at.desk.consumers(at.tx, held) if name not in names]
    told = await deliveries.tell(at.tx, incident, "rotated", at.now, tuple(names[:500]))
    known = f"; consumers: {', '.join(names[:50])}" if names else ""
    incident.did(step.called, "done", at.now, f"{told} webhook{'' if told == 1 else 's'}{known}")
    return DONE


async def verify_dead(at: Moment, incident: Incident, step: Step) -> str:
    """Whether what leaked no longer works: the rotations' own proof, or the store's."""
    await _look(at, incident)
    if any(each.state == replacing.FAILED for each in incident.rotations):
        return HAND
    if any(each.state != replacing.OVER for each in incident.rotations):
        return WAIT
    if incident.rotations and not await _without_plan(at, incident):
        proof = ", ".join(f"rotation {each.id}" for each in incident.rotations)
        await contain(at, incident, step, f"the old one is refused: {proof}")
        return DONE
    if await _dead(at, incident):
        await contain(at, incident, step, "it is destroyed, or its provider refuses it")
        return DONE
    return HAND


async def contain(at: Moment, incident: Incident, step: Step, text: str, who: str = "") -> None:
    """Note that the leak is over, with the incident and with each finding of the same value."""
    incident.contained = at.now
    incident.state = "contained"
    incident.did(step.called, "by_hand" if who else "done", at.now, text, who)
    incident.note(at.now, who or SYSTEM.name, "contained", text)
    ids = set(incident.findings)
    for held in incident.held:
        if held.version:  # without versions the same name may be the new value's
            ids |= {each.id for each in await findings.of_secret(at.tx, held) if held in each.held}
    for id in sorted(ids):
        before = await findings.find(at.tx, id)
        if before is not None:
            finding = replace(before, contained=at.now)
            finding.validity = "dead" if finding.validity == "live" else finding.validity
            finding.note(at.now, SYSTEM.name, "contained", f"incident {incident.id}")
            await ingest.weigh(at.tx, at.desk.vault, finding, at.now)
            findings.save(at.tx, finding, before)
    await deliveries.tell(at.tx, incident, "contained", at.now)


async def rescan(at: Moment, incident: Incident, step: Step) -> str:
    """Ask for a scan of every place where it was found."""
    rows = findings.view(at.tx)
    sources = await _sources(at, incident)
    for source in sources:
        source.wanted = at.now
        rows.put(f"source/{findings.digest(source.name)}", source)
    incident.note(at.now, SYSTEM.name, "rescan", ", ".join(source.name for source in sources))
    return WAIT if sources and step.wait else _not_scanned(at, incident, step)


async def rescanned(at: Moment, incident: Incident, step: Step) -> str:
    """Whether all of it was scanned again, and that the new value has not leaked too."""
    asked = max(event.at for event in incident.timeline if event.what == "rescan")
    if any(source.complete <= asked for source in await _sources(at, incident)):
        return WAIT if at.now < asked + step.wait else _not_scanned(at, incident, step)
    known = {rotation.held: rotation.new for rotation in incident.rotations}
    leaked = [
        finding.id
        for held, new in known.items()
        for finding in await findings.of_secret(at.tx, held)
        if any((each.mount, each.path, each.version) == (held.mount, held.path, new) for each in finding.held)
    ]
    text = f"the new value leaked too: {', '.join(leaked)}" if leaked else "the new value is nowhere"
    incident.did(step.called, "failed" if leaked else "done", at.now, text)
    return DONE


def _not_scanned(at: Moment, incident: Incident, step: Step) -> str:
    incident.did(step.called, "skipped", at.now, "not scanned again in time; a scan stays asked for")
    return DONE


async def leave(at: Moment, incident: Incident, step: Step) -> str:
    """A step for people."""
    return HAND


async def close(at: Moment, incident: Incident, step: Step) -> str:
    """Resolve the findings and state the exposure."""
    readers: set[str] = set()
    longest = 0.0
    for before in await at.findings(incident):
        for window in await exposure.windows(at.tx, at.desk.vault, at.desk.log(), before, at.now):
            readers |= set(window.found.readers)
            longest = max(longest, window.seconds)
        finding = replace(before)
        if finding.active:
            states.move(finding, "resolved", SYSTEM.name, at.now, reason=f"incident {incident.id}")
        findings.save(at.tx, finding, before)
    text = (
        f"{len(readers)} identities read it; usable and exposed for {longest:.1f} s" if incident.held else ""
    )
    incident.did(step.called, "done", at.now, text)
    incident.state, incident.closed = "closed", at.now
    incident.note(at.now, SYSTEM.name, "closed", text)
    await deliveries.tell(at.tx, incident, "closed", at.now)
    return DONE


async def hand_over(at: Moment, incident: Incident, step: Step) -> str:
    """Leave a step to people, and tell them."""
    incident.state, incident.waiting = "by_hand", step.called
    incident.note(at.now, SYSTEM.name, "waits for people", step.called)
    await deliveries.tell(at.tx, incident, "by_hand", at.now)
    return WAIT


class Hand:
    """What ends a step that was left to people."""

    @staticmethod
    async def look(at: Moment, incident: Incident, step: Step) -> str:
        """Done when someone said so, or when the store or a live check shows it."""
        if incident.deed(step.called) is None:
            if step.do != "verify_dead" or not await _dead(at, incident):
                return WAIT
            await contain(at, incident, step, "it is destroyed, or its provider refuses it")
        incident.waiting = ""
        incident.state = "contained" if incident.contained else "containing"
        return DONE


async def _dead(at: Moment, incident: Incident) -> bool:
    """Whether nothing of it works, as far as the vault and live checks know."""
    if incident.held:
        return not any([await at.used(held) for held in incident.held])
    known = await at.findings(incident)
    return bool(known) and all(finding.validity == "dead" for finding in known)


async def _look(at: Moment, incident: Incident) -> None:
    """Take over how the rotations stand."""
    incident.rotations = tuple([await replacing.looked_at(at.tx, each) for each in incident.rotations])


async def _without_plan(at: Moment, incident: Incident) -> list[Held]:
    """What works still and is rotated by none of the incident's rotations."""
    paths = {(each.held.mount, each.held.path) for each in incident.rotations}
    return [held for held in incident.held if (held.mount, held.path) not in paths and await at.used(held)]


async def _sources(at: Moment, incident: Incident) -> list[Source]:
    names = sorted({place.source for finding in await at.findings(incident) for place in finding.places})
    rows = findings.view(at.tx)
    found = [await rows.find(f"source/{findings.digest(name)}", Source) for name in names]
    return [source for source in found if source is not None]
