"""An answer given again is the answer that asking anew would give, whatever happened in between.

At each look the kept answer is taken first, then the same is asked anew at the same moment: bytes and
audit entries must be the same but for the request's id. Where asking anew is refused or differs, the
kept one must not have been given.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api.app import Api
from strongroom.api.exchange import Answer, Call, Headers
from strongroom.errors import StrongroomError
from strongroom.framework import Operation
from strongroom.server.repeats import Repeats, content_fields
from tests.suites.house import House

POLICY = 'path "secret/*" { capabilities = ["read"] }'
OTHER = 'path "secret/data/a" { capabilities = ["read"] } path "plain/*" { capabilities = ["read"] }'
LIMITED = 'path "secret/data/a" { capabilities = ["read"] denied_parameters = { "version" = [] } }'
DENIED = 'path "secret/data/a" { capabilities = ["deny"] }'
PATHS = ("secret/data/a", "secret/data/b", "secret/metadata/a", "secret/subkeys/a", "plain/a", "sys/mounts")


class Scene:
    """A house, an API over it, and what it keeps to give again."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.api = Api(house.core.handle, report=lambda *_: None)
        self.repeats = Repeats()
        self.tokens: list[str] = [house.root]
        self.given = 0

    @classmethod
    async def set(cls) -> "Scene":
        house = await House.opened()
        await house.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        await house.write("sys/mounts/plain", {"type": "kv", "options": {"version": "1"}})
        await house.write("sys/policies/acl/reader", {"policy": POLICY})
        for path, body in (("secret/data/a", {"data": {"pin": 1}}), ("plain/a", {"pin": 2})):
            await house.write(path, body)
        scene = cls(house)
        for fields in ({}, {"ttl": "100s"}, {"token_bound_cidrs": ["127.0.0.1/32"]}):
            scene.tokens.append(await house.token(policies=["reader"], **fields))
        house.core.closers.append(partial(scene.look, 0, "secret/data/a"))  # sealing, but not sealed yet
        return scene

    def call(self, token: int, path: str, peer: str) -> Call:
        headers = Headers({"host": "localhost", "x-vault-token": self.tokens[token % len(self.tokens)]})
        return Call("GET", f"/v1/{path}".encode(), b"", headers, peer=peer)

    async def look(self, token: int, path: str, peer: str = "127.0.0.1") -> None:
        """Take what is kept, ask anew, and compare."""
        call = self.call(token, path, peer)
        key = self.repeats.client(call) + call.path
        got: list[Answer | bytes] = []
        lines = self.house.log.lines
        start = len(lines)
        begun = self.repeats.begin(key, got.append)
        await asyncio.sleep(0)
        kept = lines[start:]
        start = len(lines)
        answer = await self.api.answer(call)
        if begun:
            self.given += 1
            assert answer.again is not None, f"{path} is answered {answer.status} now"
            fields = content_fields(answer.content_type, len(answer.body)) + b"\r\n"
            (body,) = got
            assert isinstance(body, bytes)
            identifier = body[len(fields) + 15 :][:36]
            own = answer.again.identifier.encode()
            assert body == fields + answer.body.replace(own, identifier, 1)
            assert kept == [line.replace(own, identifier, 1) for line in lines[start:]]
        self.repeats.keep(key, answer)


Deed = Callable[[Scene], Awaitable[object]]


def ask(operation: Operation, path: str, **fields: object) -> Deed:
    return lambda scene: scene.house.ask(operation, path, fields)


def write(path: str, **fields: object) -> Deed:
    return ask(Operation.WRITE, path, **fields)


async def seal_and_unseal(scene: Scene) -> None:
    await scene.house.core.seal()
    await scene.look(0, "secret/data/a")
    await scene.house.unseal()


def pass_time(seconds: float) -> Deed:
    async def passing(scene: Scene) -> None:
        scene.house.clock.advance(seconds)

    return passing


async def revoke_and_issue(scene: Scene) -> None:
    await scene.house.write("auth/token/revoke", {"token": scene.tokens[1]})
    await scene.look(1, "secret/data/a")
    scene.tokens[1] = await scene.house.token(policies=["reader", "other"])


async def renew(scene: Scene) -> None:
    await scene.house.write("auth/token/renew", {"token": scene.tokens[2]})


DEEDS: dict[str, Deed] = {
    "write": write("secret/data/a", data={"pin": 3}),
    "write the other": write("secret/data/b", data={"pin": 4}),
    "write without versions": write("plain/a", pin=5),
    "delete": ask(Operation.DELETE, "secret/data/a"),
    "undelete": write("secret/undelete/a", versions=[1, 2]),
    "destroy": write("secret/destroy/a", versions=[1]),
    "erase": ask(Operation.DELETE, "secret/metadata/a"),
    "let versions end": write("secret/metadata/a", delete_version_after="50s"),
    "custom metadata": write("secret/metadata/a", custom_metadata={"owner": "ann"}),
    "other policy": write("sys/policies/acl/other", policy=OTHER),
    "grant": write("sys/policies/acl/reader", policy=POLICY),
    "grant less": write("sys/policies/acl/reader", policy=OTHER),
    "grant with limits": write("sys/policies/acl/reader", policy=LIMITED),
    "deny": write("sys/policies/acl/reader", policy=DENIED),
    "drop the policy": ask(Operation.DELETE, "sys/policies/acl/reader"),
    "show a value in the log": write("sys/mounts/secret/tune", audit_non_hmac_response_keys=["data"]),
    "tune the lease": write("sys/mounts/plain/tune", default_lease_ttl="2h"),
    "move": write("sys/remount", **{"from": "secret", "to": "elsewhere"}),
    "move back": write("sys/remount", **{"from": "elsewhere", "to": "secret"}),
    "disable": ask(Operation.DELETE, "sys/mounts/plain"),
    "enable": write("sys/mounts/plain", type="kv"),
    "limit the rate": write("sys/quotas/rate-limit/all", rate=1),
    "lift the limit": ask(Operation.DELETE, "sys/quotas/rate-limit/all"),
    "rotate": write("sys/rotate"),
    "revoke": revoke_and_issue,
    "renew": renew,
    "seal": seal_and_unseal,
    "a second": pass_time(1),
    "a minute": pass_time(60),
}


async def played(deeds: list[str], looks: list[tuple[int, str, str]]) -> Scene:
    scene = await Scene.set()
    for deed in ["", "", *deeds]:
        if deed:
            with suppress(StrongroomError):
                await DEEDS[deed](scene)
        for look in looks:
            await scene.look(*look)
            await scene.look(*look)
    scene.repeats.clear()
    await scene.house.core.seal()
    return scene


looks = st.tuples(st.integers(0, 3), st.sampled_from(PATHS), st.sampled_from(["127.0.0.1", "10.0.0.9"]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(DEEDS)), max_size=12), st.lists(looks, min_size=1, max_size=4))
def test_what_is_given_again_is_what_asking_anew_would_give(
    deeds: list[str], looks: list[tuple[int, str, str]]
) -> None:
    asyncio.run(played(deeds, looks))


STORIES = (
    sorted(DEEDS),
    ["let versions end", "write", "a minute"],
    ["a minute", "a minute"],
    ["renew", "a minute", "a minute"],
    ["deny", "grant", "grant with limits"],
    ["destroy", "write", "seal", "revoke"],
)


def test_each_deed_leaves_the_right_answers() -> None:
    """Every deed once, after everything was kept that can be."""
    everything = [(token, path, "127.0.0.1") for token in range(4) for path in PATHS]
    given = sum(asyncio.run(played(story, everything)).given for story in STORIES)
    assert given > 300, "hardly anything was given again, so hardly anything was compared"
