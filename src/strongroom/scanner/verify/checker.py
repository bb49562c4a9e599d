"""Check the findings of a scan: choose, ask each once, note validity and reach."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from strongroom.errors import InvalidRequest
from strongroom.scanner.verify import call as calls
from strongroom.scanner.verify import canaries, fill
from strongroom.scanner.verify.judge import CANARY, DEAD, LIVE, UNKNOWN, Verdict, judge
from strongroom.scanner.verify.memory import Memory
from strongroom.scanner.verify.pace import Pace
from strongroom.scanner.verify.parts import Part, Parts
from strongroom.scanner.verify.transport import NoAnswer, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from strongroom.scanner.detector import Detector
    from strongroom.scanner.finding import Finding
    from strongroom.scanner.verify.call import Call
    from strongroom.scanner.verify.fill import Request
    from strongroom.scanner.verify.judge import Answer

WORKERS = 8  # calls at once, over all hosts
BUSY = frozenset({429, 503})


class Choice(NamedTuple):
    """Which types may be asked about: ids, providers or patterns. None in `only` means all.

    `hosts` maps a provider (or id) to the host the user named for it. A call that
    leaves a trace (`effects`) is made only for a type that `only` names.
    """

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()

    def allows(self, detector: Detector, call: Call) -> bool:
        """Whether the user consents to this call."""
        if any(names(entry, detector) for entry in self.but):
            return False
        named = any(names(entry, detector) for entry in self.only)
        return named or (not self.only and not call.effects)

    def host(self, detector: Detector) -> str:
        """The host that the user named, "" for the provider's own."""
        return next((host for entry, host in self.hosts if names(entry, detector)), "")


def names(entry: str, detector: Detector) -> bool:
    """Whether `entry`, an id, a provider or a pattern, means this detector."""
    return entry == detector.provider or fnmatchcase(detector.id, entry)


class Checker:
    """Asks providers, through what is injected."""

    def __init__(
        self,
        transport: Transport,
        choice: Choice = Choice(),
        memory: Memory | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.choice = choice
        self._transport = transport
        self._memory = memory or Memory(used=False)
        self._pace = pace or Pace()

    def ask(self, detector: Detector, secret: bytes, parts: Mapping[str, str]) -> Verdict:
        """What the provider says of `secret`; whatever goes wrong is unknown."""
        table: dict[str, Any] = detector.verify or {}
        call, host = calls.read(table), self.choice.host(detector)
        asked = (detector.id, repr(sorted(table.items())), host, repr(sorted(parts.items())))
        name = self._memory.name((*asked, secret.decode("latin-1")))
        known = self._memory.recall(name)
        if known is not None:
            return known
        try:
            request = fill.fill(call, secret, parts, host)
            answer = self.send(request)
        except (InvalidRequest, NoAnswer) as error:
            return Verdict(UNKNOWN, str(error))
        verdict = judge(call, answer, secret.decode("utf-8").strip())
        if verdict.validity == DEAD:
            verdict = verdict._replace(reach=(("asked", request.host),))
        self._memory.note(name, verdict)
        return verdict

    def send(self, request: Request) -> Answer:
        """The answer, asked for again once when the host is busy. Raises NoAnswer."""
        answer = self._sent(request)
        if answer.status in BUSY and self._pace.retry(request.host, answer.headers.get("retry-after", "")):
            answer = self._sent(request)
        return answer

    def _sent(self, request: Request) -> Answer:
        if closed := self._pace.turn(request.host):
            raise NoAnswer(closed)
        try:
            answer = self._transport.send(request)
        except NoAnswer:
            self._pace.answered(request.host, well=False)
            raise
        self._pace.answered(request.host, well=True)
        return answer

    def forget(self) -> None:
        """Write what is to be remembered for the next run."""
        self._memory.keep()


def check(findings: Sequence[Finding], around: Sequence[Finding], checker: Checker) -> list[str]:
    """Note on each of `findings` its validity and reach; `around` are all that were found.

    Returns warnings: how many could not be told, by type and reason.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (only for live checks)

    neighbours = Parts(around)
    chosen = []
    for finding in findings:
        if who := canaries.owner([_text(finding.secret)], finding.occurrences):
            _settle(finding, Verdict(CANARY, "", (("planted by", who),)))
        elif finding.detector.verify and checker.choice.allows(
            finding.detector, calls.read(finding.detector.verify)
        ):
            chosen.append(finding)
    pool = ThreadPoolExecutor(WORKERS, "verify")
    try:
        verdicts = list(pool.map(lambda finding: _judged(finding, neighbours, checker), chosen))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    open_ends: Counter[tuple[str, str]] = Counter()
    for finding, (verdict, used) in zip(chosen, verdicts, strict=True):
        _settle(finding, verdict)
        for part in used:
            other = part.finding
            if other and other.detector.verify is None and other.validity in (UNKNOWN, DEAD):
                _settle(other, verdict)
        if verdict.validity == UNKNOWN:
            open_ends[finding.detector.id, verdict.why] += 1
    checker.forget()
    return [f"{id}: {count:,} not told live or dead: {why}" for (id, why), count in sorted(open_ends.items())]


def _judged(finding: Finding, neighbours: Parts, checker: Checker) -> tuple[Verdict, Sequence[Part]]:
    """The verdict with the set of parts that gave it: a live one ends the search, a trap forbids it."""
    call = calls.read(finding.detector.verify or {})
    last: tuple[Verdict, Sequence[Part]] = (Verdict(UNKNOWN, _missing(call)), ())
    for chosen in neighbours.sets(call, finding):
        used = list(chosen.values())
        places = [place for part in used if part.finding for place in part.finding.occurrences]
        if who := canaries.owner([part.text for part in used], places):
            return Verdict(CANARY, "", (("planted by", who),)), used
        verdict = checker.ask(finding.detector, finding.secret, {name: p.text for name, p in chosen.items()})
        if verdict.validity == LIVE:
            return verdict, used
        if last[0].validity != UNKNOWN or not last[1]:
            last = verdict, used
    return last


def _missing(call: Call) -> str:
    needed = [
        " or ".join(call.wanted.get(name, (name,)))
        for name in sorted({*call.wanted, *call.near} - call.optional)
    ]
    return f"no {' and '.join(needed)} beside it" if needed else "nothing to ask"


def _settle(finding: Finding, verdict: Verdict) -> None:
    finding.asked, finding.validity = True, verdict.validity
    finding.reach = dict(verdict.reach)


def _text(secret: bytes) -> str:
    return secret.decode("utf-8", "replace").strip()
