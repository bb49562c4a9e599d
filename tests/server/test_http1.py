"""The framing grammar, without sockets."""

from contextlib import suppress
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.server.http1 import BadFraming, Chunked, parse_fields, parse_head

TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.!#$%&'*+^`|~", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip)


def block(*lines: str) -> bytes:
    return "".join(f"\r\n{line}" for line in lines).encode("latin-1")


def test_a_plain_head_is_taken_apart() -> None:
    head = parse_head(b"GET /v1/a%20b?x=1&y=? HTTP/1.1", parse_fields(block("Host: h", "X-Vault-Token: t ")))
    assert (head.method, head.path, head.query) == ("GET", b"/v1/a%20b", b"x=1&y=?")
    assert head.fields.headers == {"host": "h", "x-vault-token": "t"}
    assert head.keep_alive


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a HTTP/2.0", b"GET  /a HTTP/1.1", b"GET /a  HTTP/1.1", b"get /a HTTP/1.1", b"GET /a HTTP/1.1 ",
        b" GET /a HTTP/1.1", b"GET a HTTP/1.1", b"GET /a", b"", b"GET /\x00 HTTP/1.1", b"GET /a\tb HTTP/1.1",
        b"G" * 40 + b" /a HTTP/1.1", b"CONNECT h:443 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /a\nx HTTP/1.1",
    ],
)  # fmt: skip
def test_a_malformed_request_line_is_refused(line: bytes) -> None:
    with pytest.raises(BadFraming):
        parse_head(line, parse_fields(block("Host: h")))


def test_the_absolute_form_is_accepted() -> None:
    fields = parse_fields(block("Host: h"))
    assert parse_head(b"GET http://h:8200/v1/a?b HTTP/1.1", fields).path == b"/v1/a"
    assert parse_head(b"GET https://h HTTP/1.1", fields).path == b"/"


@pytest.mark.parametrize(
    "lines",
    [
        ["Host : h"], [" Host: h"], ["Host: h", " folded"], ["Host"], [": h"], ["Ho st: h"], ["Host: a\x00b"],
        ["Host: a\rb"], ["Host: a\nb"], ["Host: \x7f"], ["H\xf6st: h"], ["Host: a", "Host: a"],
        ["X-Vault-Token: a", "x-vault-token: b"], ["Content-Length: 1", "Content-Length: 1"],
        ["Content-Length: 1, 1"], ["Content-Length: +1"], ["Content-Length: -1"], ["Content-Length: 0x1"],
        ["Content-Length: 1 1"], ["Content-Length: \xb2"], ["Content-Length: 99999999999999999999"],
        ["Content-Length:"], ["Content-Length: 1", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], ["Transfer-Encoding:"], ["Expect: the-unexpected"],
    ],
)  # fmt: skip
def test_malformed_or_ambiguous_fields_are_refused(lines: list[str]) -> None:
    with pytest.raises(BadFraming):
        parse_fields(block(*lines))


def test_too_many_fields_are_refused_with_431() -> None:
    with pytest.raises(BadFraming) as refused:
        parse_fields(block(*(f"X-{number}: a" for number in range(101))))
    assert refused.value.status == 431


def test_lists_may_come_in_several_fields() -> None:
    headers = parse_fields(block("X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2")).headers
    assert headers["x-forwarded-for"] == "1.1.1.1, 2.2.2.2"


def test_a_host_is_needed_and_an_old_version_has_no_chunks() -> None:
    with pytest.raises(BadFraming):
        parse_head(b"GET / HTTP/1.1", parse_fields(b""))
    with pytest.raises(BadFraming):
        parse_head(b"POST / HTTP/1.0", parse_fields(block("Transfer-Encoding: chunked")))
    assert not parse_head(b"GET / HTTP/1.0", parse_fields(b"")).keep_alive
    assert parse_head(b"GET / HTTP/1.0", parse_fields(block("Connection: Keep-Alive"))).keep_alive
    assert not parse_head(
        b"GET / HTTP/1.1", parse_fields(block("Host: h", "Connection: x, Close"))
    ).keep_alive


@settings(deadline=None)
@given(fields=st.lists(st.tuples(TOKEN, VALUE), max_size=5, unique_by=lambda pair: pair[0].lower()))
def test_what_h11_reads_is_read_the_same(fields: list[tuple[str, str]]) -> None:
    names = {"content-length", "transfer-encoding", "host", "expect"}
    fields = [(name, value) for name, value in fields if name.lower() not in names]
    lines = block("Host: h", *(f"{name}: {value}" for name, value in fields))
    other = h11.Connection(h11.SERVER)
    other.receive_data(b"GET /a HTTP/1.1" + lines + b"\r\n\r\n")
    event = other.next_event()
    assert isinstance(event, h11.Request)
    theirs = {name.decode(): value.decode("latin-1") for name, value in event.headers}
    assert parse_head(b"GET /a HTTP/1.1", parse_fields(lines)).fields.headers == theirs


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(junk: bytes) -> None:
    with suppress(BadFraming):
        parse_head(junk[:20], parse_fields(junk[20:]))


@settings(deadline=None)
@given(
    body=st.binary(max_size=300),
    sizes=st.lists(st.integers(1, 50), min_size=1),
    cuts=st.lists(st.integers(0, 600), max_size=8),
)
def test_a_chunked_body_comes_back_however_it_is_cut(body: bytes, sizes: list[int], cuts: list[int]) -> None:
    sent, rest, turn = b"", body, 0
    while rest:
        piece, rest = rest[: sizes[turn % len(sizes)]], rest[sizes[turn % len(sizes)] :]
        sent += b"%x;note=1\r\n%b\r\n" % (len(piece), piece)
        turn += 1
    sent += b"0\r\nTrailer: x\r\n\r\nNEXT"
    decoder, buffer, decoded = Chunked(), bytearray(), bytearray()
    edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    for start, end in pairwise(edges):
        buffer += sent[start:end]
        if not decoder.done:
            decoder.feed(buffer, decoded)
    assert decoder.done
    assert bytes(decoded) == body
    assert bytes(buffer) == b"NEXT"


@pytest.mark.parametrize(
    "sent",
    [
        b"x\r\n", b"-1\r\na", b"0x1\r\na", b"1\na", b"1\r\nab\r\n", b"1\r\na\n\n", b"123456789\r\n", b"\r\n",
        b"1;\x00\r\n", b"0\r\n folded: x\r\n", b"0\r\nbad line\r\n", b"1" + b" " * 300, b"0\r\nA: " + b"x" * 9000,
        b" 1\r\na\r\n",
    ],
)  # fmt: skip
def test_a_malformed_chunk_is_refused(sent: bytes) -> None:
    with pytest.raises(BadFraming):
        Chunked().feed(bytearray(sent), bytearray())


def test_a_hostile_head_costs_one_pass() -> None:
    lines = block(*(f"A{number}:{' ' * 300}x" for number in range(99))) + b"\r\nbad"
    with pytest.raises(BadFraming):
        parse_fields(lines)
