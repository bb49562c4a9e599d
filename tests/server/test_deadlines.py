"""Deadlines and limits of a connection, and how it is drained."""

import asyncio
from contextlib import suppress

import pytest

from strongroom.server.limits import Limits
from tests.server.rig import Rig, get, read_answer


async def test_a_slow_head_and_a_slow_body_are_cut(rig: Rig) -> None:
    await rig.start()
    for part in (b"GET /v1/a HTTP/1.1\r\nHos", get("/v1/a", "Content-Length: 9", method="POST") + b"{"):
        reader, writer = await rig.connect()
        writer.write(part)
        await _until_state(rig, "head", "body")
        rig.pass_time(31)
        assert (await read_answer(reader))[0] == 408
        assert await reader.read() == b""
        writer.close()
    assert not rig.door.seen


async def test_a_trickle_does_not_put_the_deadline_off(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(b"GET /v1/a HT")
    await _until_state(rig, "head")
    rig.pass_time(9)
    writer.write(b"TP/1.1\r\nHost")
    await writer.drain()
    await asyncio.sleep(0)
    rig.pass_time(2)
    assert (await read_answer(reader))[0] == 408
    writer.close()


async def test_an_idle_connection_is_closed_in_time_and_not_before(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get())
    await read_answer(reader)
    rig.pass_time(299)
    writer.write(get())
    assert (await read_answer(reader))[0] == 200
    rig.pass_time(301)
    assert await reader.read() == b""
    writer.close()


async def test_a_request_past_its_deadline_is_given_up(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get("/v1/held"))
    await rig.door.entered.wait()
    rig.pass_time(91)
    status, headers, body = await read_answer(reader)
    assert (status, headers["connection"]) == (503, "close")
    assert headers["retry-after"] == "1"
    assert b"took too long" in body
    writer.close()


async def test_a_client_that_does_not_read_is_cut(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a Transport
    writer.write(get("/v1/big") * 3)
    await _until_state(rig, "write")
    assert len(rig.door.seen) == 1
    rig.pass_time(31)
    writer.transport.resume_reading()  # type: ignore[attr-defined]  # same
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(3 * 8_000_000)
    writer.close()


async def test_connections_have_a_limit(rig: Rig) -> None:
    await rig.start(Limits(connections=2))
    first, second = await rig.connect(), await rig.connect()
    for _, writer in (first, second):
        writer.write(get())
    await read_answer(first[0])
    await read_answer(second[0])
    reader, third = await rig.connect()
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    third.close()
    first[1].close()
    await first[1].wait_closed()
    await asyncio.sleep(0.01)
    assert (await rig.ask(get("/v1/a", "Connection: close"))).startswith(b"HTTP/1.1 200")
    second[1].close()


async def test_stopping_finishes_what_is_under_way_and_accepts_nothing_new(rig: Rig) -> None:
    await rig.start()
    idle_reader, idle = await rig.connect()
    reader, writer = await rig.connect()
    writer.write(get("/v1/held"))
    await rig.door.entered.wait()
    stopping = asyncio.create_task(rig.running.stop())
    assert await asyncio.wait_for(idle_reader.read(), 5) == b""
    with pytest.raises(ConnectionRefusedError):
        await rig.connect()
    assert not stopping.done()
    rig.door.held.set()
    status, headers, _ = await read_answer(reader)
    assert (status, headers["connection"]) == (200, "close")
    writer.close()
    idle.close()
    await asyncio.wait_for(stopping, 5)


async def test_what_does_not_end_within_the_drain_time_is_cut(rig: Rig) -> None:
    await rig.start(Limits(drain_seconds=1))
    reader, writer = await rig.connect()
    writer.write(get("/v1/held"))
    await rig.door.entered.wait()
    await asyncio.wait_for(rig.running.stop(), 5)
    assert await reader.read() == b""
    writer.close()


@pytest.mark.slow
async def test_thousands_of_idle_connections_do_not_disturb(rig: Rig) -> None:
    await rig.start()
    idle = [await rig.connect() for _ in range(2_000)]
    assert (await rig.ask(get("/v1/a", "Connection: close"))).startswith(b"HTTP/1.1 200")
    for _, writer in idle:
        writer.close()
        await writer.wait_closed()


async def _until_state(rig: Rig, *states: str) -> None:
    """Let the loop run until a connection is in one of these states."""
    for _ in range(2_000):
        if any(connection.state.value in states for connection in rig.running.connections):
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"no connection reached {states}")
