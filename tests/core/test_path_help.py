"""`?help=1`: mounts list their routes, routes tell what they take, and nothing is left without a meaning."""

from collections.abc import Iterator

import pytest

from strongroom.api import openapi
from strongroom.errors import NotFound
from strongroom.framework import Engine, Operation
from strongroom.framework.meanings import meaning
from strongroom.server.assembly import AUTH_METHODS, ENGINES
from strongroom.system.ceremonies import Permissions
from strongroom.system.engine import system
from tests.suites.house import House


def every_engine() -> Iterator[Engine]:
    for engine in (system(Permissions()), *ENGINES.values(), *AUTH_METHODS.values()):
        yield engine
        yield from (version() for version in engine.versions.values())


@pytest.fixture
async def house() -> House:
    house = await House.opened()
    house.core.services["path_help"] = openapi.path_help
    for kind in ("userpass", "approle"):
        await house.write(f"sys/auth/{kind}", {"type": kind})
    await house.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    return house


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("sys", "generate-root/attempt"),
        ("auth/token", "create/{role_name}"),
        ("auth/userpass", "users/{username}/password"),
        ("auth/approle", "role/{role_name}/secret-id/lookup"),
        ("secret", "data/{path}"),
        ("cubbyhole", "{path}"),
    ],
)
async def test_a_mount_lists_its_routes(house: House, path: str, route: str) -> None:
    response = await house.ask(Operation.HELP, path)
    assert "## PATHS" in response.data["help"]
    assert f"    {route}\n" in response.data["help"]
    assert response.data["openapi"]["servers"] == [{"url": f"/v1/{path}"}]
    assert set(response.data) == {"help", "see_also", "openapi"}


async def test_a_route_tells_what_it_takes_and_who_may(house: House) -> None:
    response = await house.ask(Operation.HELP, "auth/userpass/users/alice")
    text = response.data["help"]
    assert text.startswith("Request:        users/alice\nMatching Route: users/{username}\n")
    assert "    token_ttl (duration (sec))\n        How long the tokens live at first" in text
    assert "    token_policies (slice)\n" in text
    assert "    username (string, required)\n" in text
    assert "    POST or PUT\n        Make a user, or change" in text
    assert text.endswith("A token is needed.\n")
    assert list(response.data["openapi"]["paths"]) == ["/users/{username}"]


async def test_help_needs_no_policy_but_a_token(house: House) -> None:
    nobody = await house.token(policies=["none"], no_default_policy=True)
    response = await house.ask(Operation.HELP, "sys/seal", token=nobody)
    assert "'sudo' is needed" in response.data["help"]


async def test_there_is_no_help_where_nothing_is(house: House) -> None:
    with pytest.raises(NotFound, match="unsupported path"):
        await house.ask(Operation.HELP, "sys/nothing")
    with pytest.raises(NotFound, match="no handler for route 'nowhere/x'"):
        await house.ask(Operation.HELP, "nowhere/x")


def test_every_parameter_of_every_route_has_a_meaning() -> None:
    unknown = {
        f"{bound.kind.__module__}.{bound.kind.__qualname__}.{name}"
        for engine in every_engine()
        for route in engine.routes
        for bound in route.bound.values()
        for name in bound.kind.__struct_encode_fields__
        if not meaning(bound.kind, name)
    }
    assert not unknown, "give Meta(description=…), or add the word to framework/meanings.py"
