"""Revocation of a found credential by presenting it to its provider.

A revocation is data, the `[detector.revoke]` table: one request, and which answers
mean that it is done. Afterwards the live check is asked whether it really is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from strongroom.errors import InvalidRequest
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.verify import call as calls
from strongroom.scanner.verify import fill
from strongroom.scanner.verify.judge import DEAD, LIVE, UNKNOWN, Verdict
from strongroom.scanner.verify.transport import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.scanner.detector import Detector
    from strongroom.scanner.rules import Rules
    from strongroom.scanner.verify import Checker

REVOKED, ALREADY, REFUSED, UNANSWERED = "revoked", "already dead", "refused", "unanswered"
LOOKS = 5  # times a provider is asked whether it is dead: some take a while
PAUSE = 2.0  # seconds between two of them


class Outcome(NamedTuple):
    """How it went: one of the four words, why, and what the live check says afterwards."""

    result: str
    why: str = ""
    after: str = UNKNOWN


class Credential(NamedTuple):
    """A secret of a known type with the parts of its call."""

    detector: Detector
    secret: bytes
    parts: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Credential({self.detector.id})"


def types(rules: Rules, secret: bytes, wanted: str = "") -> list[Detector]:
    """The types that `secret` may be of, most telling first; `wanted` is an id or a provider.

    A type that is wanted by its id is taken at its word. Raises InvalidRequest when it is unknown.
    """
    if wanted and (exact := rules.detector(wanted)):
        return [exact]
    if wanted and not any(wanted == d.provider for d in rules.detectors()):
        raise InvalidRequest(f"--type {wanted}: there is no such type; see `strongroom detectors list`")
    found = Matcher(rules, rules.engine()).scan("", secret)
    whole = [match.detector for match in found if match.secret == secret]
    if wanted and not any(d.provider == wanted for d in whole):
        return [d for d in rules.detectors() if d.provider == wanted and d.revoke]
    return [d for d in whole if not wanted or d.provider == wanted]


class Revoker:
    """Revokes one credential at a time, through a checker's transport and pace."""

    def __init__(self, checker: Checker, sleep: Callable[[float], None] = time.sleep) -> None:
        self._checker = checker
        self._sleep = sleep

    def account(self, found: Credential) -> Verdict:
        """Whose it is and whether it is live, as far as a check without side effects tells."""
        if not found.detector.verify:
            return Verdict(UNKNOWN, "there is no live check for this type")
        return self._checker.ask(found.detector, found.secret, found.parts)

    def described(self, found: Credential) -> list[str]:
        """The request as people may see it."""
        call = calls.read(found.detector.revoke or {})
        return fill.described(call, found.parts, self._checker.choice.host(found.detector))

    def revoke(self, found: Credential) -> Outcome:
        """Send it, and look whether it is dead. Raises InvalidRequest when the request cannot be made."""
        call = calls.read(found.detector.revoke or {})
        host = self._checker.choice.host(found.detector)
        request = fill.fill(call, found.secret, found.parts, host)
        try:
            answer = self._checker.send(request)
        except NoAnswer as error:
            return Outcome(UNANSWERED, f"{request.host}: {error}")
        text = answer.body.decode("utf-8", "replace")
        if call.dead_body and calls.pattern(call.dead_body).search(text):
            return Outcome(ALREADY, "", DEAD)
        if answer.status in call.done and (not call.live_body or calls.pattern(call.live_body).search(text)):
            return self._confirmed(found)
        if answer.status in call.dead:
            return Outcome(ALREADY, "", DEAD)
        return Outcome(REFUSED, f"{request.host} answered {answer.status}")

    def _confirmed(self, found: Credential) -> Outcome:
        """It was accepted; ask until it is dead, a few times."""
        verdict = Verdict(UNKNOWN)
        for look in range(LOOKS):
            verdict = self.account(found)
            if verdict.validity != LIVE:
                break
            if look < LOOKS - 1:
                self._sleep(PAUSE)
        return Outcome(REVOKED, verdict.why, verdict.validity)
