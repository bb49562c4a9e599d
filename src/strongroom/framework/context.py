"""What a handler is given: storage, clock, caller, and nothing global."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from strongroom.barrier.view import View
from strongroom.clock import Clock
from strongroom.framework.outside import Outside
from strongroom.framework.request import Request
from strongroom.framework.response import Lease

T = TypeVar("T")


class MountConfig(Struct, frozen=True, kw_only=True):
    """A mount's tuning; times in seconds, 0 for the system's default."""

    default_lease_ttl: int = 0
    max_lease_ttl: int = 0
    force_no_cache: bool = False
    listing_visibility: str = ""
    token_type: str = "default-service"
    audit_non_hmac_request_keys: tuple[str, ...] = ()
    audit_non_hmac_response_keys: tuple[str, ...] = ()
    passthrough_request_headers: tuple[str, ...] = ()
    allowed_response_headers: tuple[str, ...] = ()
    user_lockout: dict[str, int | bool] = {}


class Mount(Struct, frozen=True, kw_only=True):
    """An entry of the mount table. `path` ends with a slash; auth methods start with `auth/`.

    `uuid` names its part of storage and never changes, also when it moves. `namespace` is the
    uuid of the one it belongs to, and inside which its path is; empty for the root.
    """

    path: str
    kind: str
    uuid: str
    accessor: str
    description: str = ""
    options: dict[str, str] = {}
    config: MountConfig = MountConfig()
    local: bool = False
    seal_wrap: bool = False
    external_entropy_access: bool = False
    tainted: bool = False
    namespace: str = ""


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: the token's harmless side. `id` is the token's storage name, a keyed hash.

    `namespace` is the uuid of the token's namespace, empty for the root.
    """

    id: str
    accessor: str
    policies: tuple[str, ...]
    display_name: str
    entity_id: str = ""
    metadata: dict[str, str] = {}
    path: str = ""
    root: bool = False
    namespace: str = ""


ANONYMOUS = Caller(id="", accessor="", policies=(), display_name="")


class Pending(Protocol):
    """Leases recorded before the secret they stand for exists, so that a crash leaves something to revoke."""

    async def record(self, lease: Lease) -> None:
        """Give `lease` its id and the ttl granted to it, and record it durably, due soon.

        The handler returns it with its response: the request's commit completes it. When
        the request fails instead, the engine's `revoke` is called for it.
        """
        ...

    async def drop(self, lease: Lease) -> None:
        """Forget a recorded lease: its secret certainly does not exist, so nothing is to be revoked."""
        ...


class _NothingPending:
    """Where nothing is issued."""

    async def record(self, lease: Lease) -> None:
        raise TypeError("no secret can be issued here")

    drop = record


_NOTHING_PENDING = _NothingPending()


def _held_nowhere(path: str, values: Mapping[str, str]) -> None:
    """Where nobody keeps an index of values."""


async def _no_password(policy: str) -> str:
    raise TypeError("no password can be made here")


@dataclass(slots=True)
class Context:
    """Everything a handler may use. A conflict runs the handler again with a fresh one.

    `storage` is the mount's own part of the barrier inside this request's
    transaction. `separately()` opens a transaction of its own that is durable
    when the block ends: to charge a counter or record a pending lease before
    acting. `personal` is storage of the caller's token, gone with it.
    `after_commit` defers what must not happen unless the transaction lands.
    `pending` records a lease before its secret is made, `outside` holds connections
    that outlive the request, `password` makes one by a named policy (or the default).
    `holds` tells, as part of the transaction, which secret values stand behind a path of the
    mount (or a lease) from now on, by name; none at all when it holds nothing any more. So
    leaks of what is issued can be recognised.
    """

    request: Request
    mount: Mount
    storage: View
    personal: View
    caller: Caller
    clock: Clock
    separate: Callable[[], AbstractAsyncContextManager[View]]
    pool: Callable[..., Awaitable[Any]]
    house: Any = None
    deferred: list[Callable[[], Awaitable[object] | None]] = field(default_factory=list)
    pending: Pending = _NOTHING_PENDING
    outside: Outside = field(default_factory=Outside)
    password: Callable[[str], Awaitable[str]] = _no_password
    holds: Callable[[str, Mapping[str, str]], None] = _held_nowhere

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.now()

    @asynccontextmanager
    async def separately(self) -> AsyncIterator[View]:
        """A transaction of its own over the mount's storage, durable at the end of the block.

        Raises Conflict like any commit: the request then runs again.
        """
        async with self.separate() as view:
            yield view

    async def blocking(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run slow or blocking work (password hashing, drivers) in the bounded pool."""
        result: T = await self.pool(function, *arguments)
        return result

    def after_commit(self, action: Callable[[], Awaitable[object] | None]) -> None:
        """Run `action` once the transaction is durable and before the answer; what it returns is awaited."""
        self.deferred.append(action)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """The plain pool, for tests: a thread of the loop's default executor."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
