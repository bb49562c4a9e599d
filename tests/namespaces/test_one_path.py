"""Security rule 1 across namespaces: what is authorised is what is routed, however it is named.

A token may read one secret of each of two namespaces. Whatever is asked, by header, by path or by
both, it gets these two values and nothing else, and every way of naming a place gives the same answer.
"""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json

from strongroom.api.exchange import Headers
from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.framework import CanonicalPath, Operation, Request, canonical
from strongroom.sensitive import Sensitive
from tests.namespaces.house import Tenants

BOUNDED = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
PLACES = ("kv", "a", "in", "b", "x", "y", "sys", "mounts", "root", "auth", "token", "accessors", "..", ".", "+",
          "*", "%2e%2e", "%2f", "", "a%2fkv", "\\", "A", "a ", "%00", "cubbyhole")  # fmt: skip
paths = st.lists(st.sampled_from(PLACES), min_size=1, max_size=5).map("/".join)
headers = st.one_of(st.just(""), paths)
GRANTED = {"a/kv/x": "a", "a/in/kv/x": "a/in"}
POLICY = 'path "kv/x" { capabilities = ["read"] } path "in/kv/x" { capabilities = ["read"] }'


class World:
    """The tenants, and a token of `a` without the default policy."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.house = self.runner.run(Tenants.opened())
        for namespace in ("", "a", "a/in", "b"):
            self.runner.run(self.house.write("sys/mounts/y", {"type": "kv"}, namespace=namespace))
            self.runner.run(self.house.write("y/x", {"of": f"{namespace}!"}, namespace=namespace))
        self.runner.run(self.house.policy("a", "two", POLICY))
        self.token = self.runner.run(self.house.token_of("a", "two", no_default_policy=True))

    def ask(self, token: str, namespace: str, path: CanonicalPath, operation: Operation) -> str:
        """Whose value the answer holds, or the name of the refusal."""
        request = Request(operation, path, "id", Sensitive(token), namespace=namespace, remote="127.0.0.1")
        try:
            response = self.runner.run(self.house.core.handle(request))
        except StrongroomError as error:
            return type(error).__name__
        data = json.decode(json.encode(response.data))
        return str(data.get("of", sorted(data)))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.runner.close()


def edge(header: str, path: str) -> tuple[str, CanonicalPath] | None:
    """What the edge makes of a header and a path; None for what it refuses."""
    try:
        named = Headers({"x-vault-namespace": header}).credentials.namespace
        return named, canonical(path.encode("latin-1", "replace"))
    except InvalidRequest:
        return None


@BOUNDED
@given(header=headers, path=paths)
def test_no_naming_reads_what_is_not_granted(header: str, path: str, world: World) -> None:
    asked = edge(header, path)
    if asked is None:
        return
    namespace, inside = asked
    got = world.ask(world.token, namespace, inside, Operation.READ)
    whole = f"{namespace}/{inside}".strip("/")
    assert got == GRANTED[whole] if whole in GRANTED else not got.startswith(("a", "b", "!", "[")), whole


@BOUNDED
@given(whole=st.lists(st.sampled_from(PLACES), min_size=2, max_size=5), data=st.data())
def test_every_way_to_name_a_place_gives_the_same_answer(
    whole: list[str], data: st.DataObject, world: World
) -> None:
    text = "/".join(whole)
    asked = edge("", text)
    if asked is None:
        return
    plain = world.ask(world.house.root, "", asked[1], Operation.READ)
    cut = data.draw(st.integers(1, len(whole) - 1))
    split = edge("/".join(whole[:cut]), "/".join(whole[cut:]))
    if split is None or not split[0]:
        return
    named = world.ask(world.house.root, *split, Operation.READ)
    assert named == plain or (named == "NotFound" and not exists(world, split[0])), (whole, cut)


def exists(world: World, path: str) -> bool:
    return world.runner.run(world.house.core.namespaces.at(path)) is not None


@pytest.mark.parametrize(
    "header",
    ["..", "a/..", "a/../b", "./a", "a//in", "a%2fin", "a%2Fin", "a\\in", "a/\x00", "%2e%2e/b", "a/%2e%2e/b"],
)
def test_a_header_that_is_not_canonical_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest):
        assert Headers({"x-vault-namespace": header}).credentials.namespace


@pytest.mark.parametrize("header", ["root", "/root/", "", "/"])
def test_the_root_has_one_name_of_its_own(header: str) -> None:
    assert Headers({"x-vault-namespace": header}).credentials.namespace == ""


def test_two_headers_must_agree() -> None:
    both = {"x-vault-namespace": "a/", "x-bao-namespace": "a"}
    assert Headers(both).credentials.namespace == "a"
    with pytest.raises(InvalidRequest, match="different"):
        assert Headers({**both, "x-bao-namespace": "b"}).credentials
    assert Headers({"x-bao-namespace": "b"}).credentials.namespace == "b"
