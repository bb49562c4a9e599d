"""The quotas in force: rate limits before anything is done, lease counts where leases are made."""

from functools import partial
from typing import TYPE_CHECKING

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core import leases, token_store
from strongroom.core.auditing import Trail
from strongroom.core.leases import LeaseEntry
from strongroom.core.namespaces.areas import lease_area
from strongroom.core.pending import Charge
from strongroom.core.quotas import counts, record
from strongroom.core.quotas.buckets import Buckets, Taken
from strongroom.core.quotas.record import Config, LeaseCount, RateLimit
from strongroom.core.quotas.scopes import Scopes
from strongroom.core.router import Target
from strongroom.errors import RateLimited, StrongroomError
from strongroom.framework import ANONYMOUS, Request, Response

if TYPE_CHECKING:
    from strongroom.core.core import Core

LEASES_RETRY_SECONDS = 60


class Quotas:
    """Loaded at unseal and when one changes. `limiting` and `counting` say whether there are any."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._buckets = Buckets()
        self._loads = 0
        self._close()

    def _close(self) -> None:
        self.limiting = self.counting = False
        self._config = Config()
        self._rates: Scopes[RateLimit] = Scopes()
        self._counts: Scopes[LeaseCount] = Scopes()
        self._exempt: frozenset[str] = frozenset()
        self._exempt_below: tuple[str, ...] = ()

    async def load(self) -> None:
        """Take what is stored; of two loads at a time, the one that began later holds."""
        self._loads += 1
        mine = self._loads
        tx = self._core.barrier.begin()
        config, rates = await record.config(tx), await record.rate_limits(tx)
        lease_counts = await record.lease_counts(tx)
        if mine != self._loads:
            return
        self._config, self._rates, self._counts = config, Scopes(rates), Scopes(lease_counts)
        exempt = config.rate_limit_exempt_paths
        self._exempt = frozenset(exempt)
        self._exempt_below = tuple(path[:-1] for path in exempt if path.endswith("*"))
        self._buckets.clear()
        self.limiting, self.counting = bool(self._rates), bool(self._counts)

    def close(self) -> None:
        """Forget everything at seal."""
        self._close()
        self._buckets.clear()

    async def admit(self, request: Request, target: Target) -> None:
        """Let a request pass its rate limit, and note on it what is left. Raises RateLimited.

        It is decided on the canonical path, before the token is looked at or a body is read; the
        refusal leaves no entry in the audit log unless the settings say so.
        """
        path = request.whole_path
        if path in self._exempt or path.startswith(self._exempt_below):
            return
        role = await self._role(request, target) if self._rates.by_role else ""
        quota = self._rates.find(request.namespace, request.path, role)
        if quota is None:
            return
        taken = self._buckets.take(quota, request.remote, self._core.clock.now())
        if self._config.enable_rate_limit_response_headers:
            request.answer_headers = _headers(taken)
        if taken.retry_after:
            error = RateLimited("request path is over its rate limit", taken.retry_after)
            self._core.metrics.count(request, target.mount, 0.0, error)
            if self._config.enable_rate_limit_audit_logging:
                await Trail(self._core.auditing, request, target.mount, target.derived).refused(error)
            raise error

    async def _role(self, request: Request, target: Target) -> str:
        """The role that a login is for; empty for what is none."""
        route, engine = target.found.route, target.engine
        if route is None or engine is None or not route.login:
            return ""
        ctx = self._core.context(self._core.barrier.begin(), request, target, ANONYMOUS)
        try:
            return await engine.login_role(ctx)
        except StrongroomError:  # what is wrong with it is said by the login itself
            return ""

    def charging(self, request: Request, target: Target) -> Charge:
        """What counts a lease that is recorded before its secret is made."""
        return partial(self._charge, request, target)

    async def charge(
        self, tx: BarrierTransaction, request: Request, target: Target, response: Response
    ) -> None:
        """Count the lease that a response brings into being. Raises RateLimited when it is one too many."""
        lease_id = ""
        if response.lease is not None:
            lease_id = response.lease.id
            if target.mount is not None:
                lease_id = f"{lease_area(target.mount.namespace)}{lease_id}"
        elif response.auth is not None and response.auth.client_token is not None:
            name = self._core.tokens.id_of(response.auth.client_token.reveal())
            token = await token_store.find(tx, name)
            lease_id = token.lease if token else ""
        entry = await leases.view(tx).find(f"id/{lease_id}", LeaseEntry) if lease_id else None
        if entry is not None and not entry.last_renewal:
            await self._charge(request, target, tx, entry)

    async def _charge(
        self, request: Request, target: Target, tx: BarrierTransaction, entry: LeaseEntry
    ) -> None:
        role = await self._role(request, target) if self._counts.by_role else ""
        quota = self._counts.find(request.namespace, request.path, role)
        if quota is None or entry.quota:
            return
        if await counts.total(tx, quota.name) >= quota.max_leases:
            raise RateLimited(
                f"the lease count quota '{quota.name}' is used up: {quota.max_leases} leases",
                LEASES_RETRY_SECONDS,
            )
        await counts.add(tx, quota.name, entry)


def _headers(taken: Taken) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"x-ratelimit-limit", b"%d" % taken.limit),
        (b"x-ratelimit-remaining", b"%d" % taken.remaining),
        (b"x-ratelimit-reset", b"%d" % taken.reset),
    )
