"""A whole server without its listener: real store, audit log, inventory and rotation; the test turns the clock."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from strongroom.barrier.view import View
from strongroom.clock import FakeClock
from strongroom.framework import Operation, Request, Response, canonical
from strongroom.inventory.fingerprints import Value
from strongroom.inventory.indexing import AREA
from strongroom.sensitive import Sensitive
from strongroom.server.assembly import open_house
from strongroom.server.config import Config, Incidents
from strongroom.server.log import OperatorLog

SECRET = "kv/app/db"
SOURCE = "git.example:app"


def plain(answer: Response) -> Any:
    """An answer's data as a client sees it."""
    return msgspec.json.decode(msgspec.json.encode(answer.data))


class House:
    """One opened server with key-value engine `kv/` and a plan `app` for `kv/app/db`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = FakeClock()
        self.stack = AsyncExitStack()
        self.tokens = {"": ""}
        self.share = ""
        self._requests = 0

    @classmethod
    async def begun(cls, data: Path, outbound: tuple[str, ...] = ()) -> "House":
        house = cls(data)
        await house.open(outbound)
        made = await house.write("sys/init", secret_shares=1, secret_threshold=1)
        house.share, house.tokens[""] = made["keys"][0], made["root_token"]
        await house.unseal()
        await house.write("sys/mounts/kv", type="kv", options={"version": "2"})
        return house

    async def open(self, outbound: tuple[str, ...] = ()) -> None:
        config = Config(data=str(self.data), incidents=Incidents(outbound))
        self.house = await open_house(config, self.clock, OperatorLog("text", "error"), self.stack)
        self.core = self.house.core
        self.workers = self.core.services["jobs"]

    async def unseal(self) -> None:
        await self.write("sys/unseal", key=self.share)
        await self.workers.stop()  # the test takes their turns

    async def answer(self, operation: Operation, path: str, who: str = "", **fields: Any) -> Response:
        reads = operation is not Operation.WRITE
        self._requests += 1
        settings = {name: fields.pop(f"_{name}") for name in ("wrap_ttl", "remote") if f"_{name}" in fields}
        request = Request(
            operation,
            canonical(path.encode()),
            f"request-{self._requests}",
            token=Sensitive(self.tokens[who]) if self.tokens[who] else None,
            body=b"" if reads else msgspec.json.encode(fields),
            query={name: str(value) for name, value in fields.items()} if reads else {},
            remote=settings.pop("remote", "192.0.2.7"),
            **settings,
        )
        return await self.core.handle(request)

    async def write(self, path: str, who: str = "", **fields: Any) -> Any:
        return plain(await self.answer(Operation.WRITE, path, who, **fields))

    async def read(self, path: str, who: str = "", **fields: Any) -> Any:
        return plain(await self.answer(Operation.READ, path, who, **fields))

    async def answer_delete(self, path: str) -> None:
        await self.answer(Operation.DELETE, path)

    async def list(self, path: str, who: str = "", **fields: Any) -> Any:
        return plain(await self.answer(Operation.LIST, path, who, **fields))

    async def person(self, name: str) -> None:
        """A user who logs in and may do all that these tests do."""
        if "userpass" not in self.tokens:
            await self.write("sys/auth/userpass", type="userpass")
            rules = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'
            await self.write("sys/policies/acl/all", policy=rules)
            self.tokens["userpass"] = ""
        await self.write(f"auth/userpass/users/{name}", password="correct horse", token_policies="all")
        answer = await self.answer(
            Operation.WRITE, f"auth/userpass/login/{name}", "userpass", password="correct horse"
        )
        assert answer.auth is not None
        assert answer.auth.client_token is not None
        self.tokens[name] = answer.auth.client_token.reveal()

    async def child(self, who: str, name: str) -> None:
        """A token that someone's token made."""
        answer = await self.answer(Operation.WRITE, "auth/token/create", who, policies=["all"])
        assert answer.auth is not None
        assert answer.auth.client_token is not None
        self.tokens[name] = answer.auth.client_token.reveal()

    async def secret(self, value: str, *, plan: bool = True) -> None:
        """Store a value, with a plan that makes another."""
        await self.write("kv/data/app/db", data={"password": value})
        if plan:
            target = {"kind": "generate", "secret": SECRET, "fields": ["password"]}
            await self.write("rotation/plans/app", target=target, grace=60)

    async def row(self, version: int = 1) -> str:
        """What a scanner that saw all of a version's value reports as known."""
        await self.core.services["inventory"].settled()
        view = View(self.core.barrier.begin(), AREA)
        for key in await view.keys("value/"):
            value = await view.get(key, Value)
            if any(f"{version} password" in names for names in value.owners.values()):
                return key.removeprefix("value/") + value.holding.hex()
        raise AssertionError(version)

    async def report(self, *known: str, fingerprint: str = "f" * 32, who: str = "", **more: Any) -> Any:
        """Report one finding; `place` overrides its occurrence."""
        place = {"path": "conf.txt", "line": 3, "commit": "c0ffee", **more.pop("place", {})}
        finding = {
            "detector": "strongroom.known_value" if known else "acme.key",
            "fingerprint": fingerprint,
            "name": "Value held by the vault" if known else "Acme key",
            "severity": "critical",
            "confidence": "high",
            "known": list(known),
            "occurrences": [place],
            **more.pop("finding", {}),
        }
        return await self.write("findings/report", who, source=SOURCE, findings=[finding], **more)

    async def work(self) -> None:
        """Run what is due."""
        while legs := await self.workers.turn():
            await asyncio.gather(*legs)

    async def until(self, incident: str, *states: str, step: float = 1.0) -> Any:
        """Work and move the clock until an incident is in one of these states."""
        for _ in range(400):
            await self.work()
            shown = await self.read(f"incidents/{incident}")
            if shown["state"] in states:
                return shown
            self.clock.advance(step)
        raise AssertionError(shown)
