"""A bench for engines: a mount over a real barrier in memory, its table, and nothing of the core.

Requests are dispatched as the core does it: the route by `find`, a transaction each,
again from the start on a conflict.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import FakeClock
from strongroom.errors import NotFound, UnsupportedOperation
from strongroom.framework import Auth, Caller, Context, Engine, Mount, Operation, Request, Response, canonical
from strongroom.framework.context import in_thread
from strongroom.framework.dispatch import dispatch, exists, find
from strongroom.storage.contract import Conflict
from strongroom.storage.memory import MemoryStorage

CALLER = Caller(id="token-1", accessor="acc-1", policies=("default",), display_name="alice", entity_id="e-1")


class Bench:
    """One engine at one mount. `clock` is turned by the test."""

    def __init__(self, engine: Engine, mount: Mount, barrier: Barrier, clock: FakeClock) -> None:
        self.engine = engine
        self.mount = mount
        self.barrier = barrier
        self.clock = clock
        self.caller = CALLER
        self.conflicts = 0

    def context(self, tx: BarrierTransaction, request: Request) -> Context:
        """What a handler is given inside `tx`."""
        prefix = f"mount/{self.mount.uuid}/"

        @asynccontextmanager
        async def separate() -> AsyncIterator[View]:
            own = self.barrier.begin()
            yield View(own, prefix)
            await own.commit()

        return Context(
            request=request,
            mount=self.mount,
            storage=View(tx, prefix),
            personal=View(tx, f"personal/{self.caller.id}/"),
            caller=self.caller,
            clock=self.clock,
            separate=separate,
            pool=in_thread,
        )

    async def call(
        self,
        operation: Operation,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        remote: str = "127.0.0.1",
    ) -> Response:
        """One request, below the mount's path; raises what the handler raises."""
        raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        while True:
            request = Request(
                operation,
                canonical((self.mount.path + path).encode()),
                id="request-1",
                body=raw,
                query=query or {},
                headers=headers or {},
                remote=remote,
            )
            try:
                return await self._once(path, request)
            except Conflict:
                self.conflicts += 1

    async def _once(self, path: str, request: Request) -> Response:
        found = find(self.engine, path, request.operation)
        if found.route is None:
            raise UnsupportedOperation if found.unsupported else NotFound
        tx = self.barrier.begin()
        ctx = self.context(tx, request)
        response = await dispatch(found, ctx)
        await tx.commit()
        for action in ctx.deferred:
            action()
        return response

    async def exists(self, path: str) -> bool | None:
        """What the route says of the path for create or update."""
        request = Request(Operation.WRITE, canonical((self.mount.path + path).encode()), id="request-1")
        found = find(self.engine, path, Operation.WRITE)
        return await exists(found, self.context(self.barrier.begin(), request))

    async def renew_login(self, auth: Auth) -> Auth:
        """Ask the auth method whether the login still holds."""
        request = Request(Operation.WRITE, canonical(b"auth/token/renew-self"), id="request-1")
        return await self.engine.renew_login(self.context(self.barrier.begin(), request), auth)

    async def read(self, path: str, **query: str) -> Any:
        """The data of a read."""
        return plain((await self.call(Operation.READ, path, query=query)).data)

    async def list(self, path: str, **query: str) -> list[str]:
        """The keys of a listing."""
        keys: list[str] = (await self.call(Operation.LIST, path, query=query)).data["keys"]
        return keys

    async def write(self, path: str, body: Mapping[str, Any] | bytes | None = None, **rest: Any) -> Any:
        """The data of a write."""
        return plain((await self.call(Operation.WRITE, path, body, **rest)).data)

    async def delete(self, path: str) -> None:
        """A delete."""
        await self.call(Operation.DELETE, path)


def plain(value: Any) -> Any:
    """What a client would decode."""
    return msgspec.json.decode(msgspec.json.encode(value))


async def bench(engine: Engine, path: str = "secret/", **options: str) -> Bench:
    """A fresh, unsealed barrier with the engine mounted."""
    clock = FakeClock()
    barrier = Barrier(MemoryStorage(), clock)
    await barrier.initialize(bytes(32))
    await barrier.unseal(bytes(32))
    mount = Mount(path=path, kind=engine.kind, uuid="u-1", accessor="kv_1", options=options)
    made = Bench(engine, mount, barrier, clock)
    tx = barrier.begin()
    await engine.mounted(made.context(tx, Request(Operation.WRITE, canonical(b"sys/mounts/x"), id="r")))
    await tx.commit()
    return made
