"""One connection: prepared statements sent one behind the other, answers in the same order.

Over libpq's pipeline mode itself: each statement is a transaction of its own, and costs the event
loop a few microseconds where the driver's cursors cost two hundred.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from strongroom.storage.postgresql.schema import state_of

# The session is over, or is not one that may write: administrators, crashes, a primary that was demoted.
_OVER = ("57P01", "57P02", "57P03", "25006", "08")


class Refused(Exception):
    """The database answered with an error; `state` is its SQLSTATE."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Doubtful(Exception):
    """The transaction is committed here, and the standby may not have it."""


@dataclass(slots=True, eq=False)
class Question:
    """A statement to be answered: one of `done` and `failed` is called, on the event loop.

    `parameters` are made when it is sent, `sent` is told; a question whose connection is lost is sent again.
    """

    statement: bytes
    parameters: Callable[[], Sequence[bytes | None]]
    done: Callable[[PGresult], None]
    failed: Callable[[Exception], None]
    sent: Callable[[], None] = lambda: None
    asked: float = field(default_factory=lambda: asyncio.get_running_loop().time())


class Link:
    """An open connection. `lost` is called once, when it can be used no longer."""

    def __init__(self, connection: PGconn, lost: Callable[["Link"], None]) -> None:
        self._connection = connection
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Question] = deque()
        self._answer: PGresult | None = None
        self._refusal = ""
        self._doubtful = False
        self._writing = False
        self._closed = False
        connection.nonblocking = 1
        connection.enter_pipeline_mode()
        connection.notice_handler = self._noticed
        self._socket = connection.socket
        self._loop.add_reader(self._socket, self._readable)

    @property
    def waiting(self) -> Sequence[Question]:
        """What was sent and not answered, in order."""
        return self._waiting

    def send(self, question: Question) -> None:
        """Send a question; its answer comes later, the loss of the connection perhaps at once."""
        self._waiting.append(question)
        question.sent()
        parameters = question.parameters()
        try:
            self._connection.send_query_prepared(
                question.statement, parameters, [Format.BINARY] * len(parameters), Format.BINARY
            )
            self._connection.pipeline_sync()
            self._flush()
        except psycopg.OperationalError:
            self._loop.call_soon(self.lose)

    def lose(self) -> None:
        """Give the connection up."""
        if not self._closed:
            self.close()
            self._lost(self)

    def close(self) -> None:
        """Close the connection without telling anyone."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket)
            if self._writing:
                self._loop.remove_writer(self._socket)
            self._connection.finish()

    def _flush(self) -> None:
        left = bool(self._connection.flush())
        if left and not self._writing:
            self._loop.add_writer(self._socket, self._writable)
        elif not left and self._writing:
            self._loop.remove_writer(self._socket)
        self._writing = left

    def _writable(self) -> None:
        try:
            self._flush()
        except psycopg.OperationalError:
            self.lose()

    def _readable(self) -> None:
        try:
            self._connection.consume_input()
            if self._writing:
                self._flush()
            while not self._closed and self._waiting and not self._connection.is_busy():
                self._take(self._connection.get_result())
        except psycopg.OperationalError:
            self.lose()

    def _take(self, result: PGresult | None) -> None:
        """One result: an answer, or the mark behind it. Only the mark says that the transaction is over."""
        if result is None:
            return
        if result.status == ExecStatus.PIPELINE_SYNC:
            self._settle()
        elif result.status == ExecStatus.TUPLES_OK:
            self._answer = result
        else:
            self._refusal = state_of(result)
            if self._refusal.startswith(_OVER):
                self.lose()

    def _settle(self) -> None:
        question, answer, refusal, doubtful = (
            self._waiting.popleft(),
            self._answer,
            self._refusal,
            self._doubtful,
        )
        self._answer, self._refusal, self._doubtful = None, "", False
        if doubtful:
            question.failed(Doubtful())
        elif refusal or answer is None:
            question.failed(Refused(refusal))
        else:
            question.done(answer)

    def _noticed(self, notice: PGresult) -> None:
        """A warning in a commit: waiting for the standby was cancelled, and yet success is reported."""
        if notice.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) == b"WARNING":
            self._doubtful = True
