"""Security rule 1: the path that is authorised is the path that is routed, for every spelling."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied, UnsupportedOperation
from strongroom.framework import Operation, Request, canonical
from strongroom.framework.path import CanonicalPath
from strongroom.sensitive import Sensitive
from tests.suites.house import House

BOUNDED = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
PLACES = ("a", "a/b", "a/b/c", "a/c", "b", "A/b", "a/b.", "deny/x", "a/bb")
POLICY = """
path "kv/a/b" { capabilities = ["read"] }
path "kv/deny/*" { capabilities = ["deny"] }
path "kv/+/listed" { capabilities = ["list"] }
"""

pieces = st.sampled_from(
    [
        *[
            "kv",
            "a",
            "b",
            "c",
            "A",
            "b.",
            "bb",
            "deny",
            "x",
            "..",
            ".",
            "%2e%2e",
            "%2f",
            "%61",
            "%62",
            "%00",
            "%c3%a9",
            "%E2%80%8B",
            "\\",
            ";b",
            "b%20",
            "%25",
            "+",
            "*",
        ],
        "",
        "auth",
        "sys",
        "listed",
        "%ef%bc%8f",
    ]
)
targets = st.one_of(
    st.lists(pieces, min_size=1, max_size=5).map("/".join),
    st.lists(pieces, min_size=1, max_size=3).map(lambda parts: "kv/" + "/".join(parts)),
    st.sampled_from(PLACES).map(lambda place: "kv/" + quote(place, safe="")),
    st.binary(max_size=12).map(lambda raw: "kv/" + raw.decode("latin-1")),
)


class World:
    """A house with a different value at each place and one token that may read a single one."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.house = self.runner.run(House.opened())
        self.do("sys/mounts/kv", {"type": "kv"})
        self.do("sys/policies/acl/one", {"policy": POLICY})
        for place in PLACES:
            self.do(f"kv/{place}", {"place": place})
        self.token = self.runner.run(self.house.token(policies=["one"], no_default_policy=True))

    def do(self, path: str, fields: dict[str, object]) -> None:
        self.runner.run(self.house.write(path, fields))

    def ask(self, operation: Operation, path: CanonicalPath) -> dict[str, str] | None:
        """What the token gets; None when it is refused."""
        request = Request(operation, path, "id", token=Sensitive(self.token), remote="127.0.0.1")
        try:
            response = self.runner.run(self.house.core.handle(request))
        except (PermissionDenied, NotFound, UnsupportedOperation, InvalidRequest):
            return None
        decoded: dict[str, str] = msgspec.json.decode(msgspec.json.encode(response.data))
        return decoded


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.runner.close()


def path_of(target: str) -> CanonicalPath | None:
    try:
        return canonical(target.encode("latin-1", "replace"))
    except InvalidRequest:
        return None


@BOUNDED
@given(target=targets)
def test_no_spelling_reads_what_is_not_granted(target: str, world: World) -> None:
    path = path_of(target)
    if path is None:
        return
    got = world.ask(Operation.READ, path)
    if got is not None:
        assert path == "kv/a/b"
        assert got == {"place": "a/b"}


@BOUNDED
@given(target=targets)
def test_no_spelling_lists_what_is_denied(target: str, world: World) -> None:
    path = path_of(target)
    if path is not None and world.ask(Operation.LIST, path) is not None:
        assert path.rstrip("/").endswith("/listed")


@BOUNDED
@given(target=targets)
def test_the_router_and_the_policy_see_one_path(target: str, world: World) -> None:
    path = path_of(target)
    if path is None:
        return
    routed = world.house.core.router.target(path, Operation.READ)
    if routed.mount is not None:
        assert path in (routed.mount.path + routed.path, routed.mount.path.rstrip("/"))
    assert canonical(quote(path).encode()) == path


@BOUNDED
@given(target=targets)
def test_what_is_canonical_has_no_second_form(target: str) -> None:
    path = path_of(target)
    if path is None:
        return
    parts = path.rstrip("/").split("/")
    assert path == "" or not {"", ".", ".."} & set(parts)
    assert "\\" not in path
    assert all(char >= " " and char != "\x7f" for char in path)
