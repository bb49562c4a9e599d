"""Answers given again: a read that is asked once more, with nothing changed that it rested on.

What was decided for the first one still stands while the server is unsealed, no rate limit is in
force, and token, policies, mount table and stored entries are the very ones that decided it, with
none of their times run out. Each is looked at for each request; what is not certainly the same is
asked anew. See ADR 0014.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from strongroom.core.audit_entry import Form, entry_of
from strongroom.core.policies.acl import ACL
from strongroom.core.router import Target
from strongroom.core.tokens import Session
from strongroom.core.visit import Visit
from strongroom.errors import AuditFailed, StrongroomError
from strongroom.framework import Operation, Request, Response
from strongroom.framework.again import Done
from strongroom.storage.contract import Rereadable

if TYPE_CHECKING:
    from strongroom.core.core import Core

_encode = msgspec.json.Encoder().encode


class GivenAgain:
    """One answer: what it rested on, and the two audit entries of whoever is given it."""

    __slots__ = (
        "_acl", "_answered", "_asked", "_core", "_read", "_request", "_response", "_session", "_target",
        "_until", "size",
    )  # fmt: skip

    def __init__(
        self,
        core: "Core",
        request: Request,
        response: Response,
        target: Target,
        standing: tuple[Session, ACL, Rereadable],
        forms: tuple[Form, Form],
    ) -> None:
        self._core = core
        self._request, self._response, self._target = request, response, target
        self._session, self._acl, self._read = standing
        self._asked, self._answered = forms
        self.size = self._read.held() + sum(map(len, (*self._asked, *self._answered)))
        expires = self._session.entry.expires
        self._until = min(response.good_until, self._acl.valid_until, expires or response.good_until)

    def begin(self, identifier: str, done: Done) -> bool:
        """Decide, and write both entries. See `framework.again`."""
        core = self._core
        now, auditing, log = core.clock.now(), core.auditing, core.auditing.log
        time, name = auditing.time(now), _encode(identifier)
        try:
            if not self._holds(now):
                return False
            log.append(entry_of(self._asked, time, name))
            ticket = log.append(entry_of(self._answered, time, name))
        except StrongroomError:  # the request that is asked anew meets the same, and is refused with it
            return False
        log.then(ticket, partial(self._recorded, now, done))
        return True

    def _holds(self, now: float) -> bool:
        """Whether all that decided still stands."""
        core, session = self._core, self._session
        return (
            now < self._until
            and not core.sealed
            and not core.quotas.limiting
            and core.tokens.holds(session)
            and core.policies.known(session.entry.policies, now) is self._acl
            and core.router.current(self._target)
            and self._read.unchanged()
        )

    def _recorded(self, started: float, done: Done, failure: str) -> None:
        """The entries are on disk, or are not: count, and say so."""
        core, request, mount = self._core, self._request, self._target.mount
        error = AuditFailed(failure) if failure else None
        core.metrics.count(request, mount, core.clock.now() - started, error)
        if error is None:
            core.joined.answered(request, mount, self._session.caller, self._response)
        done(error)


def leave(core: "Core", visit: Visit, response: Response) -> Callable[[], GivenAgain | None]:
    """How to make an answer one that can be given again.

    What it returns holds the answer's facts only: held by the answer, it would be a cycle for each read.
    """
    issued = response.auth or response.lease or response.wrap or response.raw
    return partial(_made, core, visit, response.facts, 0.0 if issued else response.good_until)


def _made(core: "Core", visit: Visit, facts: Mapping[str, str | int], until: float) -> GivenAgain | None:
    """The leave; None where the answer depends on what cannot be looked at."""
    request, session, acl, tx = visit.request, visit.session, visit.acl, visit.tx
    read = tx.rereadable if tx is not None else None
    if not until or session is None or acl is None or read is None or core.coherence is not None:
        return None
    if visit.namespaced or visit.reran or len(visit.trail.forms) != 2 or not _plain(request):
        return None
    asked, answered = visit.trail.forms
    told = Response(facts=facts, good_until=until)
    return GivenAgain(
        core, replace(request, token=None), told, visit.target, (session, acl, read), (asked, answered)
    )


def _plain(request: Request) -> bool:
    """Whether it is a read of which nothing is wrapped or limited."""
    special = request.body or request.query or request.wrap_ttl or request.answer_headers
    return request.operation is Operation.READ and not special
