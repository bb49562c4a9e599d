"""A core in memory with tenants: what a test of namespaces starts from."""

import asyncio
from typing import Any

from msgspec import json

from strongroom.framework import Response
from strongroom.jobs import Workers
from strongroom.system import namespace_end
from tests.suites.house import House

READ_KV = 'path "kv/*" { capabilities = ["create", "read", "update", "delete", "list"] }'


class Tenants(House):
    """A house whose jobs run when it is told: `a`, `a/in` and `b`, each with `kv/` and `kv/x`."""

    workers: Workers

    @classmethod
    async def opened(cls, *more: Any, **named: Any) -> "Tenants":
        made = await super().opened(*more, **named)
        assert isinstance(made, Tenants)
        made.workers = Workers(made.clock, made.core.barrier.begin)
        made.workers.register(namespace_end.kind(made.core))
        for above, name in (("", "a"), ("a", "in"), ("", "b")):
            await made.write(f"sys/namespaces/{name}", namespace=above)
            whole = f"{above}/{name}".strip("/")
            await made.write("sys/mounts/kv", {"type": "kv"}, namespace=whole)
            await made.write("kv/x", {"of": whole}, namespace=whole)
        return made

    async def jobs(self) -> None:
        """Run the jobs that are due."""
        while tasks := await self.workers.turn():
            await asyncio.gather(*tasks)

    async def of(self, path: str, **more: Any) -> str:
        """Whose secret is read there."""
        answer = await self.read(path, **more)
        return str(json.decode(json.encode(answer.data))["of"])

    async def policy(self, namespace: str, name: str, text: str) -> None:
        await self.write(f"sys/policies/acl/{name}", {"policy": text}, namespace=namespace)

    async def token_of(self, namespace: str, *policies: str, **fields: Any) -> str:
        """A token of a namespace, with these policies of it."""
        return text_of(
            await self.write("auth/token/create", {"policies": policies, **fields}, namespace=namespace)
        )

    async def tenant(self, namespace: str, text: str = READ_KV) -> str:
        """A token of a namespace, with a policy of this text."""
        await self.policy(namespace, "mine", text)
        return await self.token_of(namespace, "mine")

    def entries(self) -> list[dict[str, Any]]:
        return self.log.entries()


def text_of(response: Response) -> str:
    """The token in a response."""
    assert response.auth is not None
    assert response.auth.client_token is not None
    return response.auth.client_token.reveal()
