"""Any sequence of requests gets the same answers from a real OpenBao server.

Compared are the status and the body without times, and without what ours adds
(`created_by`, `reason`). OpenBao's slips (500 for a caller's mistake) are left out.
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.api.errors import status_of
from strongroom.engines.kv import KV2
from strongroom.errors import NotFound, StrongroomError
from strongroom.framework import Operation
from tests.suites.engine import Bench, bench, plain
from tests.suites.openbao import OpenBao, running

pytestmark = pytest.mark.slow

METHODS = {
    Operation.READ: "GET",
    Operation.LIST: "LIST",
    Operation.SCAN: "SCAN",
    Operation.WRITE: "POST",
    Operation.PATCH: "PATCH",
    Operation.DELETE: "DELETE",
}
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}
OURS = ("created_by", "reason")
TIMES = ("created_time", "updated_time", "deletion_time")

Step = tuple[Operation, str, Any, dict[str, str]]


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("openbao")) as server:
        yield server


leaf = st.none() | st.integers(-5, 5) | st.text("ab", max_size=3) | st.booleans()
nested = st.recursive(
    leaf, lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3), max_leaves=5
)
values = st.dictionaries(st.sampled_from("xyz"), nested, max_size=3)
names = st.sampled_from(["a", "b", "f/a", "f/g/c"])
numbers = st.lists(st.integers(1, 5), min_size=1, max_size=2)
options = st.none() | st.fixed_dictionaries({"cas": st.integers(0, 4)})
custom = st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["1", "2"]), max_size=2)


def with_options(data: Any, chosen: Any) -> dict[str, Any]:
    return {"data": data} | ({"options": chosen} if chosen else {})


writes = st.builds(with_options, values, options)
fields = st.fixed_dictionaries(
    {}, optional={"max_versions": st.integers(0, 3), "cas_required": st.booleans(), "custom_metadata": custom}
)


def step(operation: Operation, path: Any, body: Any = None, query: Any = None) -> st.SearchStrategy[Step]:
    sent = st.none() if body is None else body
    return st.tuples(st.just(operation), path, sent, st.just({}) if query is None else query)


def at(family: str) -> st.SearchStrategy[str]:
    return names.map(lambda name: f"{family}/{name}")


versions = st.fixed_dictionaries({"versions": numbers})
steps = st.one_of(
    step(Operation.WRITE, at("data"), writes),
    step(Operation.WRITE, at("data"), writes),
    step(Operation.PATCH, at("data"), writes),
    step(Operation.READ, at("data")),
    step(Operation.READ, at("data"), None, st.fixed_dictionaries({"version": st.integers(0, 5).map(str)})),
    step(Operation.READ, at("subkeys"), None, st.fixed_dictionaries({"depth": st.integers(0, 3).map(str)})),
    step(Operation.DELETE, at("data")),
    step(Operation.WRITE, at("delete"), versions),
    step(Operation.WRITE, at("undelete"), versions),
    step(Operation.WRITE, at("destroy"), versions),
    step(Operation.READ, at("metadata")),
    step(Operation.WRITE, at("metadata"), fields),
    step(Operation.PATCH, at("metadata"), fields.filter(bool)),  # OpenBao: 204 for nothing on nothing
    step(Operation.DELETE, at("metadata")),
    step(Operation.LIST, st.sampled_from(["metadata/", "metadata/f", "metadata/f/g/", "metadata/none"])),
    step(Operation.SCAN, st.sampled_from(["metadata/", "metadata/f"])),
    step(
        Operation.WRITE,
        st.just("config"),
        fields.map(lambda f: {k: v for k, v in f.items() if k != "custom_metadata"}),
    ),
    step(Operation.READ, st.just("config")),
)


def without(value: Any) -> Any:
    """A body with its times reduced to whether they are there, and without what is ours."""
    if isinstance(value, dict):
        kept = {key: member for key, member in value.items() if key not in OURS}
        return {key: bool(member) if key in TIMES else without(member) for key, member in kept.items()}
    return [without(member) for member in value] if isinstance(value, list) else value


async def ours(kv: Bench, asked: Step) -> tuple[int, Any]:
    operation, path, body, query = asked
    try:
        response = await kv.call(operation, path, body, query=query)
    except NotFound as missing:
        return 404, plain(missing.data)
    except StrongroomError as error:
        return status_of(error), None
    return 200 if response.data is not None or response.warnings else 204, plain(response.data)


def theirs(openbao: OpenBao, mount: str, asked: Step) -> tuple[int, Any]:
    operation, path, body, query = asked
    tail = "?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else ""
    headers = PATCH_TYPE if operation is Operation.PATCH else None
    status, answer = openbao.call(METHODS[operation], f"{mount}/{path}{tail}", body, headers=headers)
    return status, answer.get("data") if isinstance(answer, dict) else None


_numbers = count()


def mounted(openbao: OpenBao) -> str:
    """A fresh mount; it answers once OpenBao has set it up."""
    mount = f"kv{next(_numbers)}"
    assert openbao.call("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "2"}})[0] == 204
    while openbao.call("GET", f"{mount}/config")[0] != 200:
        pass
    return mount


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=st.lists(steps, min_size=5, max_size=25))
def test_any_sequence_gets_the_same_answers(openbao: OpenBao, asked: list[Step]) -> None:
    mount = mounted(openbao)

    async def compare() -> None:
        kv = await bench(KV2())
        for number, one in enumerate(asked):
            kv.clock.advance(1)
            status, data = theirs(openbao, mount, one)
            mine = await ours(kv, one)
            assert (mine[0], without(mine[1])) == (status, without(data)), asked[: number + 1]

    asyncio.run(compare())


def test_numbers_that_openbao_changes_stay_exact_here(openbao: OpenBao) -> None:
    mount = mounted(openbao)
    body = {"data": {"n": 10**29}}
    assert theirs(openbao, mount, (Operation.WRITE, "data/a", body, {}))[0] == 200
    assert theirs(openbao, mount, (Operation.READ, "data/a", None, {}))[1]["data"] != body["data"]

    async def read() -> bytes:
        kv = await bench(KV2())
        await kv.write("data/a", body)
        return msgspec.json.encode((await kv.call(Operation.READ, "data/a")).data)

    assert b'"n":100000000000000000000000000000' in asyncio.run(read())
