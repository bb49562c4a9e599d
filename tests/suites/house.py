"""A whole core in memory: real barrier, real engines, a fake clock, an audit log kept in a list."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.barrier.barrier import Barrier
from strongroom.clock import FakeClock
from strongroom.core.core import Core
from strongroom.errors import AuditFailed
from strongroom.framework import Engine, Operation, Request, Response, canonical
from strongroom.framework.context import in_thread
from strongroom.sensitive import Sensitive
from strongroom.server.assembly import AUTH_METHODS, ENGINES
from strongroom.storage.contract import Storage
from strongroom.storage.memory import MemoryStorage
from strongroom.system.ceremonies import Ceremonies, Permissions
from strongroom.system.engine import system
from strongroom.system.settings import load_cors

Log = list[dict[str, Any]]


class ListLog:
    """An audit log in memory; `broken` makes it refuse."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.broken = False

    def append(self, entry: bytes) -> int:
        if self.broken:
            raise AuditFailed("the disk is full")
        self.lines.append(entry)
        return len(self.lines) - 1

    @property
    def size(self) -> int:
        return len(self.lines)

    async def flushed(self, sequence: int) -> None:
        if self.broken:
            raise AuditFailed("the disk is full")

    def then(self, sequence: int, call: Callable[[str], None]) -> None:
        asyncio.get_running_loop().call_soon(call, "the disk is full" if self.broken else "")

    async def set_signer(self, private: Ed25519PrivateKey | None) -> None:
        """Nothing is signed here."""

    async def checkpoint(self) -> str:
        raise AuditFailed("nothing is signed here")

    def entries(self) -> Log:
        return [msgspec.json.decode(line) for line in self.lines]


class House:
    """An opened core and its root token."""

    def __init__(
        self,
        permissions: Permissions,
        engines: Mapping[str, Engine],
        storage: Storage | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.log = ListLog()
        self.storage = storage or MemoryStorage()
        barrier = Barrier(self.storage, self.clock)
        methods = {f"auth/{kind}": method for kind, method in AUTH_METHODS.items()}
        kinds = {"system": system(permissions), **ENGINES, **methods, **engines}
        self.core = Core(barrier, self.log, kinds, self.clock, in_thread, {})
        self.core.services["ceremonies"] = Ceremonies(self.core, self.storage, barrier, "memory")
        self.core.openers.append(lambda: load_cors(self.core))
        self.shares: list[bytes] = []
        self.root = ""
        self._requests = 0

    @classmethod
    async def opened(
        cls,
        permissions: Permissions | None = None,
        engines: Mapping[str, Engine] | None = None,
        shares: int = 1,
        threshold: int = 1,
    ) -> "House":
        """Initialised and unsealed."""
        house = cls(permissions or Permissions(), engines or {})
        desk: Ceremonies = house.core.services["ceremonies"]
        house.shares, house.root = await desk.initialize(shares, threshold)
        await house.unseal()
        return house

    async def unseal(self) -> None:
        desk: Ceremonies = self.core.services["ceremonies"]
        for share in self.shares:
            await desk.unseal(share)
        await self.core.expiry.stop()
        await self.core.errands.stop()

    async def ask(
        self,
        operation: Operation,
        path: str,
        fields: Mapping[str, Any] | bytes | None = None,
        *,
        token: str | None = "root",
        **settings: Any,
    ) -> Response:
        """One request through the door; `root` stands for the root token, None for no token."""
        text = self.root if token == "root" else token
        self._requests += 1
        body = (
            fields
            if isinstance(fields, bytes)
            else msgspec.json.encode(fields)
            if fields is not None
            else b""
        )
        request = Request(
            operation,
            canonical(path.encode()),
            id=f"request-{self._requests}",
            token=Sensitive(text) if text is not None else None,
            body=body,
            remote=settings.pop("remote", "127.0.0.1"),
            **settings,
        )
        return await self.core.handle(request)

    async def write(
        self, path: str, fields: Mapping[str, Any] | bytes | None = None, **more: Any
    ) -> Response:
        return await self.ask(Operation.WRITE, path, {} if fields is None else fields, **more)

    async def read(self, path: str, **more: Any) -> Response:
        return await self.ask(Operation.READ, path, **more)

    async def delete(self, path: str, **more: Any) -> Response:
        return await self.ask(Operation.DELETE, path, **more)

    async def list(self, path: str, **more: Any) -> Response:
        return await self.ask(Operation.LIST, path, **more)

    async def token(self, **fields: Any) -> str:
        """A new token made by root; its text."""
        response = await self.write("auth/token/create", fields)
        assert response.auth is not None
        assert response.auth.client_token is not None
        return response.auth.client_token.reveal()
