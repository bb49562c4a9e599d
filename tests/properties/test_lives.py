"""Tokens and leases against a model: whatever happens in whatever order, the same are alive."""

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from strongroom.errors import StrongroomError
from strongroom.framework import Context, Engine, Fields, Lease, Response, Route
from tests.suites.house import House

POLICY = """
path "auth/token/create" { capabilities = ["update"] }
path "db/*" { capabilities = ["read"] }
"""
LEASE_SECONDS = 100


class Named(Fields, frozen=True):
    name: str


async def issue(ctx: Context, req: Named) -> Response:
    Issuer.alive.add(req.name)
    return Response.leased({"name": req.name}, ttl=LEASE_SECONDS, max_ttl=300, name=req.name)


class Issuer(Engine):
    """Remembers which of its secrets are alive outside."""

    kind = "issuer"
    alive: ClassVar[set[str]] = set()
    routes = (Route(path="creds/{name}", read=issue),)

    async def revoke(self, ctx: Context, lease: Lease) -> None:
        Issuer.alive.discard(lease.internal["name"])


@dataclass
class Life:
    """What the model knows of a token, and the leases that hang on it by name."""

    text: str
    expires: float
    uses: int
    parent: "Life | None"
    alive: bool = True
    leases: dict[str, tuple[str, float]] = field(default_factory=dict)
    children: list["Life"] = field(default_factory=list)

    def end(self) -> None:
        self.alive = False
        self.leases.clear()
        for child in self.children:
            child.end()


class Lives(RuleBasedStateMachine):
    """A whole core in memory, beside the model."""

    tokens: Bundle[Life] = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.every: list[Life] = []
        self.issued = 0
        Issuer.alive.clear()
        self.house = self.runner.run(self._open())

    async def _open(self) -> House:
        house = await House.opened(engines={"issuer": Issuer()})
        await house.write("sys/mounts/db", {"type": "issuer"})
        await house.write("sys/policies/acl/maker", {"policy": POLICY})
        return house

    def teardown(self) -> None:
        self.runner.close()

    @property
    def now(self) -> float:
        return self.house.clock.now()

    def succeeds(self, token: Life) -> bool:
        """Whether one use of the token is let in; the model pays for it."""
        try:
            self.runner.run(self.house.read("auth/token/lookup-self", token=token.text))
        except StrongroomError:
            return False
        return True

    def charge(self, token: Life) -> None:
        if token.uses:
            token.uses -= 1
            if not token.uses:
                token.end()

    @rule(target=tokens, ttl=st.integers(1, 300), uses=st.integers(0, 3))
    def create(self, ttl: int, uses: int) -> Life:
        return self._created(None, ttl, uses)

    @rule(target=tokens, parent=tokens, ttl=st.integers(1, 300), uses=st.integers(0, 2))
    def create_child(self, parent: Life, ttl: int, uses: int) -> Life:
        if not parent.alive or parent.uses:
            return self._created(None, ttl, uses)
        return self._created(parent, ttl, uses)

    def _created(self, parent: Life | None, ttl: int, uses: int) -> Life:
        asked = {"policies": ["maker"], "ttl": ttl, "num_uses": uses}
        maker = parent.text if parent else "root"
        response = self.runner.run(self.house.write("auth/token/create", asked, token=maker))
        assert response.auth is not None
        assert response.auth.client_token is not None
        made = Life(response.auth.client_token.reveal(), self.now + ttl, uses, parent)
        if parent:
            parent.children.append(made)
        self.every.append(made)
        return made

    @rule(token=tokens)
    def use(self, token: Life) -> None:
        assert self.succeeds(token) == token.alive
        if token.alive:
            self.charge(token)

    @rule(token=tokens)
    def take_secret(self, token: Life) -> None:
        if not token.alive:
            return
        self.issued += 1
        name = f"s{self.issued}"
        response = self.runner.run(self.house.read(f"db/creds/{name}", token=token.text))
        assert response.lease is not None
        token.leases[name] = (response.lease.id, self.now + LEASE_SECONDS)
        self.charge(token)

    @rule(token=tokens)
    def revoke_secrets(self, token: Life) -> None:
        for lease, _ in token.leases.values():
            self.runner.run(self.house.write("sys/leases/revoke", {"lease_id": lease, "sync": True}))
        token.leases.clear()

    @rule(token=tokens, increment=st.integers(1, 300))
    def renew(self, token: Life, increment: int) -> None:
        asked = {"token": token.text, "increment": increment}
        try:
            self.runner.run(self.house.write("auth/token/renew", asked))
        except StrongroomError:
            assert not token.alive
        else:
            assert token.alive
            token.expires = self.now + increment

    @rule(token=consumes(tokens))
    def revoke(self, token: Life) -> None:
        self.runner.run(self.house.write("auth/token/revoke", {"token": token.text}))
        token.end()

    @rule(seconds=st.sampled_from([1, 30, 99, 100, 101, 250]))
    def pass_time(self, seconds: int) -> None:
        self.house.clock.advance(seconds)
        while self.runner.run(self.house.core.expiry.sweep()):
            pass
        for token in self.every:
            if token.alive and token.expires <= self.now:
                token.end()
            for name in [name for name, (_, ends) in token.leases.items() if ends <= self.now]:
                del token.leases[name]

    @rule()
    def seal_and_unseal(self) -> None:
        self.runner.run(self.house.core.seal())
        self.runner.run(self.house.unseal())

    @invariant()
    def only_secrets_of_living_leases_work_outside(self) -> None:
        assert {name for token in self.every for name in token.leases} == Issuer.alive

    @invariant()
    def an_unlimited_token_works_exactly_while_it_lives(self) -> None:
        for token in self.every[-3:]:
            if not token.uses:
                assert self.succeeds(token) == token.alive


Lives.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLives = pytest.mark.slow(Lives.TestCase)
