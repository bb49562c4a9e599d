"""The cubbyhole: what one token stores, no other sees."""

import pytest
from msgspec.structs import replace

from strongroom.engines.cubbyhole import Cubbyhole
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import ANONYMOUS
from tests.suites.engine import CALLER, Bench, bench


@pytest.fixture
async def hole() -> Bench:
    return await bench(Cubbyhole(), "cubbyhole/")


async def test_another_token_sees_nothing(hole: Bench) -> None:
    await hole.write("a/b", b'{"n":123456789012345678901}')
    assert await hole.read("a/b") == {"n": 123456789012345678901}
    assert await hole.list("") == ["a/"]
    assert await hole.exists("a/b") is True
    hole.caller = replace(CALLER, id="token-2")
    assert await hole.exists("a/b") is False
    for path in ("a/b", ""):
        with pytest.raises(NotFound):
            await hole.read(path)
    with pytest.raises(NotFound):
        await hole.list("")
    await hole.delete("a/b")
    hole.caller = CALLER
    assert await hole.list("a") == ["b"]
    await hole.delete("a/b")
    await hole.delete("")
    with pytest.raises(NotFound):
        await hole.list("")


async def test_without_a_token_nothing_is_stored(hole: Bench) -> None:
    hole.caller = ANONYMOUS
    with pytest.raises(PermissionDenied):
        await hole.write("a", {"x": 1})


async def test_a_batch_token_has_no_cubbyhole_as_nothing_would_end_it(hole: Bench) -> None:
    hole.caller = replace(CALLER, accessor="")
    for asked in (hole.write("a", {"x": 1}), hole.read("a"), hole.list(""), hole.delete("a")):
        with pytest.raises(InvalidRequest, match="only supported by 'service' type tokens"):
            await asked


async def test_what_cannot_be_stored(hole: Bench) -> None:
    with pytest.raises(InvalidRequest, match="ending in '/'"):
        await hole.write("a/", {"x": 1})
    with pytest.raises(InvalidRequest, match="missing data fields"):
        await hole.write("a", {})
