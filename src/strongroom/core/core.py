"""The door: `handle(Request) -> Response`. Everything that reads or changes a secret comes through here.

sealed? → mount → who → may they → audit entry → handler in a transaction → leases,
tokens, wrapping → commit → audit entry → durable → Response. The order of commit
and audit is ADR 0005's: a write's request is on disk in the log before it is
committed, its answer before it is given.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import Clock
from strongroom.core import bootstrap, issuing, passwords, token_store
from strongroom.core.again import leave
from strongroom.core.auditing import Auditing, Trail
from strongroom.core.coherence import attached
from strongroom.core.errands import Errands
from strongroom.core.expiry import Expiry
from strongroom.core.house import House
from strongroom.core.joined import Joined, close_all
from strongroom.core.metrics import Metrics
from strongroom.core.namespaces.record import hold
from strongroom.core.namespaces.registry import Namespaces
from strongroom.core.path_help import help_of
from strongroom.core.pending import PendingLeases
from strongroom.core.policies.acl import hold_to_page
from strongroom.core.quotas.service import Quotas
from strongroom.core.recognition import identify, recognised
from strongroom.core.router import Target
from strongroom.core.timekeeping import Timekeeper
from strongroom.core.tokens import Tokens
from strongroom.core.visit import Visit, nothing_there
from strongroom.errors import (
    AuditFailed,
    IntegrityFailure,
    NotInitialized,
    PermissionDenied,
    RateLimited,
    Sealed,
    StrongroomError,
)
from strongroom.framework import ANONYMOUS, Caller, Context, Engine, Mount, Operation, Request, Response
from strongroom.framework.audit import AuditLog
from strongroom.framework.dispatch import Found, dispatch, exists
from strongroom.framework.outside import Outside
from strongroom.storage.contract import Conflict, StorageFull

MAX_RERUNS = 64
UNINITIALIZED = "server is not yet initialized"
READING = frozenset({Operation.READ, Operation.LIST, Operation.SCAN, Operation.HELP})
AREA = "mount/"
Pool = Callable[..., Awaitable[Any]]


class Core:
    """The one door and what stands behind it. `engines` by kind, auth methods as `auth/<kind>`."""

    def __init__(
        self,
        barrier: Barrier,
        log: AuditLog,
        engines: Mapping[str, Engine],
        clock: Clock,
        pool: Pool,
        services: Mapping[str, Any] | None = None,
    ) -> None:
        self.barrier = barrier
        self.clock = clock
        self.engines = engines
        self.pool = pool
        self.services = dict(services or {})
        self.joined = Joined()
        self.namespaces = Namespaces(self)
        self.root = self.namespaces.root
        self.root.adopt(bootstrap.SYSTEM_MOUNTS)
        self.router, self.policies = self.root.router, self.root.policies
        self.tokens = Tokens(clock, barrier.begin)
        self.auditing = Auditing(log, clock)
        self.outside = Outside()
        self.errands = Errands(self)
        alone = barrier.shared is None
        self.expiry = Expiry(clock, barrier.begin, self.tokens, self.errands.revoke_secret, alone=alone)
        self.metrics = Metrics()
        self.timekeeper = Timekeeper(barrier.begin, clock)
        self.quotas = Quotas(self)
        self.initialized = False
        self.sealed = True
        self.cluster: dict[str, str] = {}
        self.openers: list[Callable[[], Awaitable[None]]] = [self.quotas.load, self.errands.resume]
        self.closers: list[Callable[[], Awaitable[None] | None]] = [self.errands.stop, self.outside.close]
        self.coherence = None if alone else attached(self)

    @property
    def mounts(self) -> dict[str, Mount]:
        """The root namespace's mount table."""
        return self.root.mounts

    async def handle(self, request: Request) -> Response:
        """Answer one request. Raises a StrongroomError for everything that is refused."""
        target = self.router.target(request.path, request.operation)
        if request.namespace or target.mount is None:
            target = await self.namespaces.enter(request, target)
        route = target.found.route
        if self.sealed and not (route and route.sealed):
            raise Sealed("Vault is sealed") if self.initialized else NotInitialized(UNINITIALIZED)
        if route is not None and route.unaudited:
            response = await dispatch(target.found, self.context(None, request, target, ANONYMOUS))
            response.request_id = request.id
            return response
        if self.quotas.limiting:
            await self.quotas.admit(request, target)
        started = self.clock.now()
        visit = Visit(request, target, Trail(self.auditing, request, target.mount, target.derived), started)
        try:
            response = await self._rerun(visit)
        except StorageFull:
            full = IntegrityFailure("storage is full: nothing was changed")
            await self._refused(visit, full, started)
            raise full from None
        except Exception as error:
            await self._refused(visit, error, started)
            raise
        await visit.trail.answered(response)
        self._count(visit, response)
        if visit.last_use:
            await self.expiry.end_token(visit.caller.id)
        return response

    def _count(self, visit: Visit, response: Response) -> None:
        """Tell those who count answers, and say whether this one can be given again."""
        request, mount = visit.request, visit.target.mount
        self.metrics.count(request, mount, self.clock.now() - visit.started, None)
        response.request_id = request.id
        self.joined.answered(request, mount, visit.caller, response)
        if response.good_until:
            response.again = leave(self, visit, response)

    async def _refused(self, visit: Visit, error: Exception, started: float) -> None:
        """Record what is not carried out; an error nobody meant is recorded without its text."""
        meant = error if isinstance(error, StrongroomError) else StrongroomError("internal error")
        self.metrics.count(visit.request, visit.target.mount, self.clock.now() - started, meant)
        if not isinstance(error, AuditFailed):
            await visit.trail.refused(meant)

    async def _rerun(self, visit: Visit) -> Response:
        """Run the request; run it again when what it read has changed meanwhile."""
        if self.coherence is not None:
            await self._caught_up(visit)
        if not recognised(self.tokens, visit):
            await identify(self.tokens, visit, sealed=self.sealed)
        if visit.namespaced:
            await self.namespaces.admit(visit)
        for _ in range(MAX_RERUNS):
            try:
                return await self._attempt(visit)
            except Conflict:
                visit.reran = True
                await self._caught_up(visit)
        raise RateLimited("too many concurrent changes to the same data; try again")

    async def _caught_up(self, visit: Visit) -> None:
        """Hear what other nodes changed, before anything is decided. Raises Unavailable."""
        if self.coherence is not None:
            visit.moment = await self.coherence.fresh()
            visit.target = await self.namespaces.aim(visit.request)

    async def _attempt(self, visit: Visit) -> Response:
        request, target = visit.request, visit.target
        tx = visit.tx = None if self.sealed else self.barrier.begin(visit.moment)
        ctx = self.context(tx, request, target, visit.caller)
        if request.namespace and tx is not None and request.operation not in READING:
            await hold(tx, request.namespace)
        await self._authorise(visit, ctx, tx)
        if request.operation not in READING:
            await visit.trail.recorded()
        if request.operation is Operation.HELP:
            return help_of(request, target, self.services.get("path_help"))
        if target.found.route is None:
            raise nothing_there(request, target)
        charge = self.quotas.charging(request, target) if self.quotas.counting else None
        waiting = PendingLeases(
            self.barrier.begin, self.clock, ctx.mount, request.path, visit.caller.id, charge
        )
        ctx.pending = waiting
        try:
            response = await self._carried_out(visit, ctx, tx, waiting)
        except BaseException:
            await waiting.abandon()
            raise
        for action in ctx.deferred:
            outcome = action()
            if outcome is not None:
                await outcome
        return response

    async def _carried_out(
        self, visit: Visit, ctx: Context, tx: BarrierTransaction | None, waiting: PendingLeases
    ) -> Response:
        """The handler, and all that its answer brings into being, committed."""
        response = made = await dispatch(visit.target.found, ctx)
        if tx is not None:
            await waiting.complete(tx)
            response = issuing.register(
                tx, self.tokens, visit.request, ctx.mount, visit.caller, made, self.clock.now()
            )
            if self.quotas.counting:
                await self.quotas.charge(tx, visit.request, visit.target, made)
            if tx.dirty:
                await self.joined.change(tx, visit.request, ctx.mount)
                await visit.trail.recorded()
            await tx.commit()
        return response

    async def _authorise(self, visit: Visit, ctx: Context, tx: BarrierTransaction | None) -> None:
        if visit.session is None or tx is None:
            visit.trail.decide()
            return
        request, route = visit.request, visit.target.found.route
        policies = visit.policies or self.policies
        names, now = visit.session.entry.policies, visit.started
        acl = visit.acl = policies.known(names, now) or await policies.acl(tx, names, now)
        there = await exists(visit.target.found, ctx) if request.operation is Operation.WRITE else None
        decision = acl.check(
            request.whole_path,
            request.operation,
            exists=there,
            fields=lambda: request.fields,
            wrap_ttl=request.wrap_ttl,
        )
        if not decision.allowed:
            raise PermissionDenied(f"permission denied: {decision.reason}")
        if route is not None and route.sudo and not decision.sudo:
            raise PermissionDenied(f"permission denied: 'sudo' is needed on '{request.path}'")
        if request.operation in (Operation.LIST, Operation.SCAN):
            hold_to_page(request.fields, decision.limit)
        visit.trail.decide(decision.reason)

    def context(
        self, tx: BarrierTransaction | None, request: Request, target: Target, caller: Caller
    ) -> Context:
        """What a handler of `target` is given inside `tx`."""
        mount = target.mount or bootstrap.SYSTEM_MOUNTS["sys/"]
        inner = tx or bootstrap.CLOSED
        realm = target.realm or self.root
        return Context(
            request=request,
            mount=mount,
            storage=View(inner, f"{AREA}{mount.uuid}/"),
            personal=View(inner, token_store.personal(caller, mount)),
            caller=caller,
            clock=self.clock,
            separate=lambda: self._separate(mount),
            pool=self.pool,
            outside=self.outside,
            password=partial(passwords.generate, inner, self.joined.searchable, mount.namespace),
            holds=partial(self.joined.hold, inner, mount),
            house=House(self, inner, realm) if target.engine is not None and target.engine.trusted else None,
        )

    def context_for(self, tx: BarrierTransaction, mount: Mount, ctx: Context) -> Context:
        """A context on another mount, for the system's handlers that prepare one."""
        return self.context(tx, ctx.request, Target(mount, None, "", Found()), ctx.caller)

    @asynccontextmanager
    async def _separate(self, mount: Mount) -> AsyncIterator[View]:
        tx = self.barrier.begin()
        yield View(tx, f"{AREA}{mount.uuid}/")
        await tx.commit()

    async def take_up(self) -> None:
        """Take up work once the barrier is open; failing, close it. Raises IntegrityFailure, Unavailable."""
        try:
            await self.timekeeper.open()
            await bootstrap.load(self)
            for opener in self.openers:
                await opener()
        except BaseException:
            self.barrier.seal()
            raise
        self.initialized = True
        self.sealed = False
        self.expiry.start(partial(bootstrap.upkeep, self))

    async def seal(self) -> None:
        """Stop work and forget every key, whatever fails on the way; what was acknowledged stays."""
        self.sealed = True
        time = partial(self.timekeeper.keep, always=True)
        log = partial(self.auditing.log.set_signer, None)
        try:
            await close_all((self.expiry.stop, time, self.barrier.record_encryptions, *self.closers, log))
        finally:
            self.barrier.seal()
            self.tokens.close()
            self.auditing.close()
            self.namespaces.close()
            self.quotas.close()
