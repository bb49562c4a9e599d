"""Turns a scanner's report into findings: one for each secret, its places merged, its state kept.

A report again changes nothing but the time it was seen. A resolved finding opens again when its secret
turns up in a new file or commit, or is live; history that is scanned again brings nothing back.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.findings import owners, record, severity
from strongroom.findings.callers import Actor
from strongroom.findings.record import MAX_PLACES, Finding, Held, Place, Source, printable
from strongroom.findings.report import Report, Reported, ReportedPlace
from strongroom.findings.vault import Vault

SWEPT = 5000
KEPT_LATEST = 20
Told = Callable[[BarrierTransaction, Finding, str, Actor, float], Awaitable[None]]


@dataclass(slots=True)
class Outcome:
    """What a report brought: the findings in it, which are new, and which opened again."""

    findings: list[Finding] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Intake:
    """One report on its way into the store. `told` hears of each finding that needs someone."""

    tx: BarrierTransaction
    vault: Vault
    told: tuple[Told, ...]
    who: Actor
    now: float

    async def take(self, report: Report) -> Outcome:
        """Merge all of it; nothing lasts unless the transaction lands."""
        outcome = Outcome()
        source = await self._source(report)
        for reported in report.findings:
            finding, news = await self._merge(report, reported, public=source.public)
            outcome.findings.append(finding)
            if news == "new":
                outcome.new.append(finding.id)
            elif news:
                outcome.reopened.append(finding.id)
            if news:
                for told in self.told:
                    await told(self.tx, finding, news, self.who, self.now)
        if report.coverage == "tree" and report.scan:
            outcome.gone = await self._sweep(report)
        return outcome

    async def _source(self, report: Report) -> Source:
        key = f"source/{record.digest(report.source)}"
        rows = record.view(self.tx)
        known = await rows.find(key, Source) or Source(name=report.source)
        known.scanned, known.scan, known.public = self.now, report.scan, report.public
        if report.coverage != "part":
            known.complete, known.wanted = self.now, 0
        rows.put(key, known)
        return known

    async def _merge(self, report: Report, reported: Reported, *, public: bool) -> tuple[Finding, str]:
        id = record.id_of(reported.detector, reported.fingerprint)
        before = await record.find(self.tx, id)
        made = before is None
        finding = self._begun(id, reported) if before is None else replace(before)
        fresh = self._place(finding, report, reported)
        self._describe(finding, reported, public=public)
        held = await self.vault.matches(self.tx, reported.known) if reported.known else []
        finding.held = tuple(sorted({*finding.held, *held}))
        await weigh(self.tx, self.vault, finding, self.now)
        news = "new" if made else self._reopened(finding, fresh=fresh)
        if made:
            finding.note(self.now, self.who.name, "found", f"in {report.source}")
        record.save(self.tx, finding, before)
        return finding, news

    def _begun(self, id: str, reported: Reported) -> Finding:
        return Finding(
            id=id,
            detector=reported.detector,
            fingerprint=reported.fingerprint,
            name=printable(reported.name or reported.detector),
            first_seen=self.now,
            last_seen=self.now,
        )

    def _describe(self, finding: Finding, reported: Reported, *, public: bool) -> None:
        """Take what the latest report says; a report without a live check forgets none."""
        finding.last_seen = self.now
        finding.reported, finding.confidence = reported.severity, reported.confidence
        finding.advice, finding.docs = printable(reported.advice), printable(reported.docs)
        finding.playbook = reported.playbook or finding.playbook
        finding.public = finding.public or public
        if reported.validity not in ("unknown", finding.validity):
            finding.validity = reported.validity
            finding.note(self.now, self.who.name, "checked", reported.validity)
        reach = {printable(name): printable(text) for name, text in reported.reach.items()}
        finding.reach = reach or finding.reach

    def _place(self, finding: Finding, report: Report, reported: Reported) -> bool:
        """Merge the occurrences; True when one is in a file or commit not known before."""
        known = {place.key: place for place in finding.places}
        there = {place.file for place in finding.places if not place.gone}
        fresh = False
        for each in reported.occurrences:
            place = self._made(report, each)
            seen = known.get(place.key)
            if seen is None or seen.gone:
                fresh = fresh or place.file not in there
            known[place.key] = place if seen is None else replace(place, seen=seen.seen)
            finding.earliest = earlier(finding.earliest, exposed_at(place))
        places = sorted(known.values(), key=exposed_at)
        if len(places) > MAX_PLACES:
            places = places[: MAX_PLACES - KEPT_LATEST] + places[-KEPT_LATEST:]
        finding.places = tuple(places)
        finding.unlisted = max(finding.unlisted, reported.unlisted, len(known) - len(places))
        return fresh

    def _made(self, report: Report, each: ReportedPlace) -> Place:
        return Place(
            source=report.source,
            path=each.path,
            inside=each.inside,
            line=each.line,
            column=each.column,
            commit=printable(each.commit),
            author=printable(each.author),
            email=printable(each.email),
            date=printable(each.date),
            field=printable(each.field),
            owners=tuple(map(printable, each.owners)),
            seen=self.now,
            scan=report.scan,
        )

    def _reopened(self, finding: Finding, *, fresh: bool) -> str:
        """Open a finding that was put to rest too early; what for, or ""."""
        if finding.state == "ignored" and finding.until and finding.until <= self.now:
            what = "expired"
        elif finding.state == "resolved" and (fresh or finding.validity == "live"):
            what = "regression"
        else:
            return ""
        text = "seen in a new place" if fresh else "it is live" if what == "regression" else finding.why
        finding.state, finding.why, finding.until, finding.resolved = "open", "", 0, 0
        finding.reopened += 1
        finding.contained = 0 if finding.validity == "live" else finding.contained
        finding.incident = ""
        finding.note(self.now, self.who.name, what, text)
        return what

    async def _sweep(self, report: Report) -> int:
        """Mark what a complete scan of the source did not see again. History stays: it is permanent."""
        prefix = f"at/{record.digest(report.source)}/"
        gone = 0
        for key in await record.view(self.tx).keys(prefix, limit=SWEPT):
            before = await record.find(self.tx, key.removeprefix(prefix))
            if before is None:
                continue
            places = tuple(self._swept(report, place) for place in before.places)
            if places != before.places:
                gone += 1
                finding = replace(before, places=places)
                if all(place.gone for place in places):
                    finding.note(self.now, self.who.name, "gone", f"no longer in {report.source}")
                record.save(self.tx, finding, before)
        return gone

    def _swept(self, report: Report, place: Place) -> Place:
        if place.source != report.source or place.commit or place.gone or place.scan == report.scan:
            return place
        return replace(place, gone=self.now)


async def weigh(tx: BarrierTransaction, vault: Vault, finding: Finding, now: float) -> None:
    """Judge again from what is known now: severity, and who may own it."""
    facts: list[Mapping[str, str]] = [await vault.facts(tx, held) for held in finding.held]
    finding.suggested = owners.suggest(facts, finding.places)
    used = [] if finding.contained else [h.shown for h in finding.held if await vault.in_use(tx, h, now)]
    known = severity.Known(
        finding.reported,
        finding.confidence,
        finding.validity,
        finding.public,
        tuple(used),
        bool(finding.held),
        tuple(facts),
        finding.reach,
    )
    weighed = severity.weigh(known)
    finding.reasons = weighed.reasons
    if not finding.by_hand:
        finding.severity = weighed.severity


def exposed_at(place: Place) -> float:
    """Since when the place shows the secret: the commit's date, unless it lies after we saw it."""
    try:
        claimed = datetime.fromisoformat(place.date) if place.date else None
    except ValueError:
        claimed = None
    if claimed is None:
        return place.seen
    moment = claimed.replace(tzinfo=claimed.tzinfo or UTC).timestamp()
    return min(moment, place.seen) if moment > 0 else place.seen


def earlier(known: float, moment: float) -> float:
    """The lesser of two times, where 0 is none."""
    return min(known, moment) if known else moment


def of_secret(findings: list[Finding], held: Held) -> list[Finding]:
    """Those that are this very version."""
    return [finding for finding in findings if held in finding.held]
