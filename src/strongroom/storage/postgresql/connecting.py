"""Making a connection from a thread, without holding up the process meanwhile.

The driver's own blocking connect keeps the interpreter's lock until it is through: while a server does
not answer the whole node would stand still. So names are resolved and answers awaited out here, one
address after the other, each for its own time.
"""

import select
import socket
import time
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ConnStatus, PollingStatus
from psycopg.pq.abc import PGconn

from strongroom.errors import Unavailable
from strongroom.sensitive import Sensitive

UNREACHABLE = "the store cannot be reached"
_SECONDS = 3.0
_WANTED = {PollingStatus.READING: select.POLLIN, PollingStatus.WRITING: select.POLLOUT}


def open_connection(conninfo: Sensitive[str]) -> PGconn:
    """Connect to the server that takes writes. Blocks. Raises Unavailable, without what libpq says of it."""
    said = []
    for attempt, seconds in _attempts(conninfo.reveal()):
        connection: PGconn = psycopg.pq.PGconn.connect_start(attempt.encode())
        try:
            connected = _connected(connection, seconds)
        except BaseException:
            connection.finish()
            raise
        if connected:
            return connection
        said.append(connection.error_message.decode(errors="replace"))
        connection.finish()
    raise Unavailable(_reason("\n".join(said)))


def _connected(connection: PGconn, seconds: float) -> bool:
    """Wait until the connection is made or has failed, or time is up."""
    deadline = time.monotonic() + seconds
    while connection.status != ConnStatus.BAD:
        status = PollingStatus(connection.connect_poll())
        if status == PollingStatus.OK:
            return True
        left = deadline - time.monotonic()
        if status not in _WANTED or left <= 0 or not _ready(connection.socket, _WANTED[status], left):
            return False
    return False


def _ready(descriptor: int, wanted: int, seconds: float) -> bool:
    """Whether the socket can be read or written before the time is up."""
    poll = select.poll()
    poll.register(descriptor, wanted)
    return bool(poll.poll(seconds * 1000))


def _attempts(conninfo: str) -> Iterator[tuple[str, float]]:
    """The settings for each address of each server, in order, and the seconds it is given."""
    settings = {key: str(value) for key, value in conninfo_to_dict(conninfo).items() if value is not None}
    seconds = float(settings.get("connect_timeout", _SECONDS))
    hosts, ports = settings.get("host", "").split(","), settings.get("port", "").split(",")
    given = settings.get("hostaddr", "").split(",")
    for number in range(max(len(hosts), len(given))):
        host, port = (many[number if len(many) > 1 else 0] for many in (hosts, ports))
        known = given[number if len(given) > 1 else 0]
        for place in [known] if known else _addresses(host):
            one = {"host": host or None, "port": port or None, "hostaddr": place or None}
            yield make_conninfo("", **{**settings, **one}), seconds


def _addresses(host: str) -> list[str]:
    """Where a name leads; empty text for what needs no name service."""
    if not host or host.startswith(("/", "@")):
        return [""]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _reason(message: str) -> str:
    """What went wrong, in words of ours: the library's may quote settings."""
    kinds = {
        "password authentication failed": "the store refuses the user name or password",
        "no password supplied": "the store asks for a password",
        "certificate": "the certificate of the store's server cannot be verified",
        "does not exist": "the database or role of the store does not exist",
        "read-only": "no server of the store takes writes",
        "not support SSL": "the store's server does not offer TLS",
    }
    return next((text for sign, text in kinds.items() if sign in message), UNREACHABLE)
