"""A real server with thousands of idle connections, and with clients that send or read slowly."""

import io
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from strongroom.server.limits import Limits
from strongroom.server.log import OperatorLog
from strongroom.server.run import fitting
from tests.server.process import Server, ask, start

pytestmark = pytest.mark.slow

ASKED = 200
QUICK_SECONDS = 0.2
SLOW_CLIENTS = 100
ENOUGH_FILES = 20_000  # each connection takes one here and one there
REQUEST = b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
BIG = 2_000_000


@pytest.fixture
def files() -> Iterator[int]:
    """As many open files as this process may have: more than it was given, where it may take more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(before[1], ENOUGH_FILES)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except ValueError:
        most = before[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def resident(server: Server) -> int:
    """The server's memory in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def waits(server: Server, token: str) -> float:
    """How long nine of ten reads take at most, in seconds."""
    link, taken = server.connect(), []
    for _ in range(ASKED):
        began = time.monotonic()
        assert ask(link, "GET", "/v1/auth/token/lookup-self", token)[0] == 200
        taken.append(time.monotonic() - began)
    link.close()
    return sorted(taken)[ASKED * 9 // 10]


def connected(server: Server, stack: ExitStack) -> socket.socket:
    """A plain connection, closed in the end; small buffers, so that what is not read is noticed soon."""
    link = stack.enter_context(socket.socket())
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.settimeout(60)
    link.connect(("127.0.0.1", server.port))
    return link


def rest(link: socket.socket) -> bytes:
    """What comes until the server has cut the connection."""
    found = b""
    try:
        while piece := link.recv(65536):
            found += piece
    except ConnectionResetError:
        return found
    return found


def test_idle_connections_cost_little_and_disturb_nobody(files: int) -> None:
    stages = [count for count in (5_000, 10_000) if files >= count + 500]
    if not stages:
        pytest.skip(f"5,000 connections take as many open files, and {files} are allowed")
    with start("--dev") as server, ExitStack() as stack:
        token = server.root_token
        waits(server, token)
        before, there = resident(server), 0
        for count in stages:
            for _ in range(there, count):
                link = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
                link.sendall(REQUEST)
                assert link.recv(4096).startswith(b"HTTP/1.1 200")
            there = count
            assert open_files(server) >= count
            each, slowest = (resident(server) - before) / count, waits(server, token) * 1e3
            print(f"{count} idle: {each:.0f} bytes each; nine of ten reads within {slowest:.1f} ms")
            assert each < 16 * 1024
            assert slowest < QUICK_SECONDS * 1e3
        assert server.stop() == 0  # they are closed at once, not waited for


def test_connections_leave_files_for_the_store_and_the_log(files: int) -> None:
    said = io.StringIO()
    assert fitting(Limits(connections=10), OperatorLog(stream=said)).connections == 10
    assert fitting(Limits(connections=10 * files), OperatorLog(stream=said)).connections < files
    assert said.getvalue().count("allows fewer connections") == 1


def test_slow_clients_are_cut_and_hold_nobody_up(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text("[limits]\nheader_seconds = 2\nbody_seconds = 2\nwrite_seconds = 2\n")
    with start("--dev", "--config", file) as server, ExitStack() as stack:
        token = server.root_token
        stored = server.connect()
        assert ask(stored, "POST", "/v1/secret/data/big", token, data={"v": "x" * 1_000_000})[0] == 200
        stored.close()
        field = f"X-Vault-Token: {token}\r\n".encode()
        heads, bodies, deaf = [[connected(server, stack) for _ in range(SLOW_CLIENTS)] for _ in range(3)]
        for link in heads:
            link.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: local")
        for link in bodies:
            link.sendall(
                b"POST /v1/secret/data/b HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n" + field + b"\r\n{"
            )
        for link in deaf:
            link.sendall((b"GET /v1/secret/data/big HTTP/1.1\r\nHost: h\r\n" + field + b"\r\n") * 4)
        assert waits(server, token) < 1
        trickle(heads + bodies)
        for link in heads + bodies:
            assert b" 408 " in rest(link)[:20]
        for link in deaf:
            assert len(rest(link)) < 4 * 1_000_000
        assert waits(server, token) < QUICK_SECONDS
        assert open_files(server) < SLOW_CLIENTS


def trickle(links: list[socket.socket]) -> None:
    """A byte each now and then, for longer than any deadline."""
    end = time.monotonic() + 3.5
    while time.monotonic() < end:
        for link in links:
            try:
                link.send(b" ")
            except (BrokenPipeError, ConnectionResetError):
                continue
        time.sleep(0.5)
