"""One connection through real sockets: framing, limits, deadlines, order, backpressure."""

import asyncio

import pytest

from strongroom.server.limits import Limits
from tests.server.rig import Rig, get, read_answer


async def test_requests_on_one_connection_are_answered_in_turn(rig: Rig) -> None:
    await rig.start()
    answer = await rig.ask(get("/v1/a") + get("/v1/b") + get("/v1/c", "Connection: close") + get("/v1/d"))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 3
    assert [request.path for request in rig.door.seen] == ["a", "b", "c"]


async def test_an_answer_has_the_fields_that_clients_and_caches_need(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get())
    status, headers, _ = await read_answer(reader)
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert "date" in headers
    assert "server" not in headers
    writer.close()


async def test_a_request_may_come_byte_by_byte(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    raw = get("/v1/a", "Content-Length: 9", method="POST") + b'{"k":"v"}'
    for byte in raw:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert (await read_answer(reader))[0] == 200
    assert rig.door.seen[0].body == b'{"k":"v"}'
    writer.close()


async def test_a_chunked_body_is_joined(rig: Rig) -> None:
    await rig.start()
    head = get("/v1/a", "Transfer-Encoding: chunked", "X-Vault-Token: t", method="PUT")
    answer = await rig.ask(head + b'5\r\n{"k":\r\n4\r\n"v"}\r\n0\r\n\r\n')
    assert answer.startswith(b"HTTP/1.1 200")
    assert rig.door.seen[0].body == b'{"k":"v"}'


async def test_fields_that_change_on_a_connection_are_seen(rig: Rig) -> None:
    await rig.start()
    await rig.ask(get("/v1/a", "X-Vault-Token: one") * 2 + get("/v1/a", "X-Vault-Token: two") + get("/v1/a"))
    tokens = [request.token.reveal() if request.token else "" for request in rig.door.seen]
    assert tokens == ["one", "one", "two", ""]


SMUGGLED = b"GET /v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        get("/v1/a", "Content-Length: 5", "Transfer-Encoding: chunked", method="POST")
        + b"0\r\n\r\n"
        + SMUGGLED,
        get("/v1/a", "Transfer-Encoding: chunked", "Content-Length: 5", method="POST")
        + b"0\r\n\r\n"
        + SMUGGLED,
        get("/v1/a", "Transfer-Encoding: \x0bchunked", method="POST") + b"0\r\n\r\n" + SMUGGLED,
        get("/v1/a", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n" + SMUGGLED,
        get("/v1/a", "Transfer-Encoding: chunked", method="POST") + b"1\r\nab\r\n0\r\n\r\n" + SMUGGLED,
        get("/v1/a", "Content-Length: 1", "Content-Length: 2", method="POST") + b"ab" + SMUGGLED,
        b"GET /v1/a HTTP/1.1\nHost: localhost\n\n" + SMUGGLED,
        b"GET /v1/a HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n" + SMUGGLED,
        b"GET /v1/a HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n" + SMUGGLED,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + SMUGGLED,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
        b"GET /v1/a HTTP/1.1\r\n\r\n" + SMUGGLED,
    ],
)
async def test_doubtful_framing_gets_one_refusal_and_the_connection_is_closed(rig: Rig, raw: bytes) -> None:
    await rig.start()
    answer = await rig.ask(raw)
    assert answer.startswith(b"HTTP/1.1 4"), answer[:40]
    assert answer.count(b"date: ") == 1
    assert b"connection: close" in answer
    assert b'{"errors":["' in answer
    assert not rig.door.seen


async def test_a_head_that_never_ends_is_cut_at_its_limit(rig: Rig) -> None:
    await rig.start(Limits(header_bytes=4096))
    answer = await rig.ask(b"GET /v1/a HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 10_000)
    assert answer.startswith(b"HTTP/1.1 431")


async def test_a_body_over_its_limit_is_refused_before_it_is_read(rig: Rig) -> None:
    await rig.start(Limits(body_bytes=2_000_000))
    known = await rig.ask(get("/v1/a", "X-Vault-Token: t", "Content-Length: 2000001", method="POST"))
    unknown = await rig.ask(get("/v1/a", "Content-Length: 65537", method="POST"))
    login = await rig.ask(
        get("/v1/auth/userpass/login/bob", "X-Vault-Token: t", "Content-Length: 65537", method="POST")
    )
    for answer in (known, unknown, login):
        assert answer.startswith(b"HTTP/1.1 413")
    assert not rig.door.seen


async def test_a_chunked_body_is_cut_at_its_limit(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get("/v1/a", "Transfer-Encoding: chunked", method="POST"))
    writer.write(b"10000\r\n" + b"a" * 65536 + b"\r\n1\r\na\r\n")
    assert (await read_answer(reader))[0] == 413
    writer.close()


async def test_bodies_together_have_a_limit(rig: Rig) -> None:
    await rig.start(Limits(buffered_bytes=100_000))
    first_reader, first = await rig.connect()
    first.write(get("/v1/a", "Content-Length: 90001", "X-Vault-Token: t", method="POST") + b"[" * 90_000)
    await first.drain()
    answer = await rig.ask(
        get("/v1/a", "Content-Length: 90000", "X-Vault-Token: t", method="POST") + b" " * 90_000
    )
    assert answer.startswith(b"HTTP/1.1 503")
    first.close()
    await first_reader.read()
    again = await rig.ask(get("/v1/a", "Content-Length: 60000", method="POST") + b"{" + b" " * 59_998 + b"}")
    assert again.startswith(b"HTTP/1.1 200")


async def test_an_expected_continue_is_sent_only_for_an_acceptable_body(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get("/v1/a", "Content-Length: 2", "Expect: 100-continue", method="POST"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await read_answer(reader))[0] == 200
    writer.write(get("/v1/a", "Content-Length: 99999999", "Expect: 100-continue", method="POST"))
    assert (await read_answer(reader))[0] == 413
    writer.close()


async def test_requests_sent_ahead_wait_in_the_socket(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get("/v1/held"))
    await rig.door.entered.wait()
    flood = get("/v1/a", "X: " + "x" * 1000) * 5_000
    writer.write(flood)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.drain(), 0.3)
    rig.door.held.set()
    for _ in range(5_001):
        assert (await read_answer(reader))[0] == 200
    writer.close()


async def test_a_half_closed_client_still_gets_its_answer(rig: Rig) -> None:
    await rig.start()
    reader, writer = await rig.connect()
    writer.write(get("/v1/held"))
    writer.write_eof()
    await rig.door.entered.wait()
    await asyncio.sleep(0.01)
    rig.door.held.set()
    assert (await read_answer(reader))[0] == 200
    assert await reader.read() == b""
    writer.close()


async def test_head_has_the_fields_and_no_body(rig: Rig) -> None:
    await rig.start()
    answer = await rig.ask(get("/v1/a", "Connection: close", method="HEAD"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_fault_of_ours_is_reported_and_says_nothing(rig: Rig) -> None:
    await rig.start()
    answer = await rig.ask(get("/v1/bug", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"canary" not in answer
    assert rig.reported == ["RuntimeError"]
