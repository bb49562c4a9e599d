"""Answers kept to be given again: to whom, for how long, and what becomes of a connection meanwhile."""

import asyncio
from dataclasses import dataclass, field

import pytest

from strongroom.api.exchange import Answer, Call, Headers, Repeatable
from strongroom.errors import AuditFailed
from strongroom.framework import Request, Response
from strongroom.framework.again import Done
from strongroom.server.repeats import Repeats
from tests.server.rig import Door, Rig, get, read_answer

TOKEN = "X-Vault-Token: t"


@dataclass
class Leave:
    """A door's leave to give an answer again; `waiting` are those who may not yet."""

    size: int = 10
    good: bool = True
    waiting: list[Done] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, identifier: str, done: Done) -> bool:
        if self.good:
            self.waiting.append(done)
            self.asked.set()
        return self.good


@dataclass
class LeavingDoor(Door):
    """Gives every answer with its leave."""

    leave: Leave = field(default_factory=Leave)

    async def handle(self, request: Request) -> Response:
        response = await super().handle(request)
        response.again = lambda: self.leave
        return response


@pytest.fixture
async def door(rig: Rig) -> LeavingDoor:
    rig.door = LeavingDoor()
    await rig.start()
    return rig.door


async def answered(rig: Rig, raw: bytes, times: int = 1) -> bytes:
    """The body of the last of so many answers on one connection."""
    reader, writer = await rig.connect()
    body = b""
    for _ in range(times):
        writer.write(raw)
        status, _, body = await read_answer(reader)
        assert status == 200
    writer.close()
    return body


async def waiting(rig: Rig, door: LeavingDoor) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose third request waits for leave; the first two told that it comes again."""
    reader, writer = await rig.connect()
    for _ in range(2):
        writer.write(get("/v1/a", TOKEN))
        assert (await read_answer(reader))[0] == 200
    writer.write(get("/v1/a", TOKEN))
    await door.leave.asked.wait()
    assert len(door.seen) == 2
    return reader, writer


async def test_what_is_asked_again_is_given_again_under_an_id_of_its_own(rig: Rig, door: LeavingDoor) -> None:
    first = await answered(rig, get("/v1/a", TOKEN), 2)
    reader, writer = await rig.connect()
    writer.write(get("/v1/a", TOKEN))
    assert (await read_answer(reader))[0] == 200  # a connection's first is read by the book
    writer.write(get("/v1/a", TOKEN))
    await door.leave.asked.wait()
    door.leave.waiting.pop()(None)
    status, headers, body = await read_answer(reader)
    assert (status, headers["content-type"], len(door.seen)) == (200, "application/json", 3)
    assert body != first
    assert body[53:] == first[53:]  # behind the request's id
    writer.close()


@pytest.mark.parametrize(
    "other",
    [
        get("/v1/a", "X-Vault-Token: u"),
        get("/v1/a", TOKEN, "X-Vault-Namespace: n"),
        get("/v1/a?version=1", TOKEN),
        get("/v1/b", TOKEN),
        get("/v1/a", TOKEN, method="HEAD"),
        get("/v1/a", TOKEN, method="LIST"),
    ],
)
async def test_whatever_differs_is_asked_anew(rig: Rig, door: LeavingDoor, other: bytes) -> None:
    await answered(rig, get("/v1/a", TOKEN), 2)
    reader, writer = await rig.connect()
    for raw in (get("/v1/a", TOKEN), other):
        writer.write(raw)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0)
    writer.close()
    assert (len(door.seen), door.leave.waiting) == (4, [])


async def test_what_holds_no_more_is_asked_anew(rig: Rig, door: LeavingDoor) -> None:
    door.leave.good = False
    await answered(rig, get("/v1/a", TOKEN), 4)
    assert len(door.seen) == 4


async def test_when_the_log_fails_so_does_the_answer(rig: Rig, door: LeavingDoor) -> None:
    reader, writer = await waiting(rig, door)
    door.leave.waiting.pop()(AuditFailed("the disk is full"))
    status, headers, body = await read_answer(reader)
    assert (status, body) == (500, b'{"errors":["the disk is full"]}')
    assert len(headers["x-request-id"]) == 36
    writer.close()


async def test_what_takes_too_long_is_refused_and_nothing_follows(rig: Rig, door: LeavingDoor) -> None:
    reader, writer = await waiting(rig, door)
    rig.pass_time(1000)
    status, headers, _ = await read_answer(reader)
    assert (status, headers["connection"]) == (503, "close")
    door.leave.waiting.pop()(None)
    assert await reader.read() == b""
    writer.close()


async def test_a_client_that_left_misses_its_answer_only(rig: Rig, door: LeavingDoor) -> None:
    _, writer = await waiting(rig, door)
    writer.transport.abort()
    await asyncio.sleep(0)
    door.leave.waiting.pop()(None)
    assert await answered(rig, get("/v1/b"))


async def test_a_half_closed_client_gets_the_answer_it_waits_for(rig: Rig, door: LeavingDoor) -> None:
    reader, writer = await waiting(rig, door)
    writer.write_eof()
    await asyncio.sleep(0)
    door.leave.waiting.pop()(None)
    assert (await read_answer(reader))[0] == 200
    assert await reader.read() == b""
    writer.close()


async def test_draining_waits_for_it_and_closes(rig: Rig, door: LeavingDoor) -> None:
    reader, writer = await waiting(rig, door)
    stopping = asyncio.ensure_future(rig.running.stop())
    await asyncio.sleep(0)
    door.leave.waiting.pop()(None)
    status, headers, _ = await read_answer(reader)
    assert (status, headers["connection"]) == (200, "close")
    writer.close()
    await stopping


async def test_what_comes_ahead_waits_its_turn(rig: Rig, door: LeavingDoor) -> None:
    reader, writer = await waiting(rig, door)
    writer.write(get("/v1/b", TOKEN))
    await writer.drain()
    door.leave.waiting.pop()(None)
    for path in (b'"a"', b'"b"'):
        assert b'"path":' + path in (await read_answer(reader))[2]
    writer.close()


def call(**headers: str) -> Call:
    return Call("GET", b"/v1/a", b"", Headers(headers), peer="127.0.0.1")


def answer(size: int = 10) -> Answer:
    identifier = "0" * 36
    body = b'{"request_id":"%b","data":"%b"}' % (identifier.encode(), b"x" * size)
    return Answer(200, body, again=Repeatable(identifier, Leave))


def kept(repeats: Repeats, key: bytes) -> bool:
    return repeats.begin(key, lambda _: None)


async def test_it_is_kept_from_the_second_time_on(rig: Rig) -> None:
    repeats = Repeats()
    for expected in (False, False, True):
        assert kept(repeats, b"key") is expected
        repeats.keep(b"key", answer())
    repeats.clear()
    assert not kept(repeats, b"key")


async def test_what_nobody_asks_for_is_forgotten() -> None:
    repeats = Repeats(life_seconds=0)
    for key in (b"idle", b"idle", b"used", b"used"):
        repeats.keep(key, answer())
    for _ in range(10):  # a timer that is due at once turns a generation
        await asyncio.sleep(0)
        repeats.begin(b"used", lambda _: None)
    assert kept(repeats, b"used")
    assert not kept(repeats, b"idle")
    for _ in range(10):
        await asyncio.sleep(0)
    assert repeats._turn is None, "with nothing kept no timer runs"
    repeats.clear()


async def test_bytes_are_bounded() -> None:
    repeats = Repeats(limit_bytes=400_000)
    for number in range(200):
        for _ in range(2):
            repeats.keep(b"%d" % number, answer(2_000))
    assert 0 < sum(one.size for one in (repeats._young | repeats._old).values()) <= 400_000
    repeats.keep(b"huge", answer(100_000))
    repeats.keep(b"huge", answer(100_000))
    assert not kept(repeats, b"huge")
    assert kept(repeats, b"199")
    repeats.clear()


async def test_a_client_is_all_that_a_request_says() -> None:
    repeats = Repeats()
    named = {
        repeats.client(one)
        for one in (
            call(),
            call(accept="*/*"),
            call(**{"x-vault-token": "a"}),
            call(**{"x-vault-token": "b"}),
            Call("GET", b"/v1/a", b"", Headers(), peer="127.0.0.2"),
            Call("GET", b"/v1/a", b"", Headers(), peer="127.0.0.1", client_certificate=b"c"),
        )
    }
    assert len(named) == 6
    assert repeats.client(call()) == repeats.client(call())
    assert repeats.client(call()) != Repeats().client(call())
