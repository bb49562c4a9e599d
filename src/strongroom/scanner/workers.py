"""Runs the parts of a scan: here, or in one forked process each.

A worker that dies (killed, out of memory) loses its part, never the scan: the
loss is reported. Results come back in the order of the parts.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Task = Callable[[], Iterable[Any]]

_LENGTH = 8  # bytes before each item that tell its size


def run(tasks: Sequence[Task], lost: Callable[[int], None]) -> Iterator[tuple[int, Any]]:
    """Yield (number of the task, item) as items come; `lost(number)` is called for a worker that died.

    One task runs in this process; more run in a process each.
    """
    if len(tasks) == 1:
        for item in tasks[0]():
            yield 0, item
        return
    import signal  # noqa: PLC0415 (a hook has one task)

    pipes: dict[int, int] = {}
    children: dict[int, int] = {}
    for number, task in enumerate(tasks):
        reading, child = _start(task, list(pipes))
        pipes[reading], children[number] = number, child
    try:
        yield from _collect(pipes, lost)
    finally:
        for child in children.values():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


def _start(task: Task, others: Sequence[int]) -> tuple[int, int]:
    """Fork a worker for `task`; return the end to read from and its process id."""
    import pickle  # noqa: PLC0415
    import signal  # noqa: PLC0415

    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return reading, child
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for other in (reading, *others):
            os.close(other)
        with os.fdopen(writing, "wb") as pipe:
            for item in task():
                body = pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
                pipe.write(len(body).to_bytes(_LENGTH, "little") + body)
                pipe.flush()
            pipe.write(bytes(_LENGTH))
        status = 0
    finally:
        os._exit(status)


def _collect(pipes: dict[int, int], lost: Callable[[int], None]) -> Iterator[tuple[int, Any]]:
    """Read the workers' items as they come."""
    import pickle  # noqa: PLC0415
    import selectors  # noqa: PLC0415

    buffers = {pipe: bytearray() for pipe in pipes}
    finished: set[int] = set()
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                more = os.read(key.fd, 1 << 20)
                buffers[key.fd] += more
                for body in _frames(buffers[key.fd]):
                    if body:
                        yield pipes[key.fd], pickle.loads(body)  # noqa: S301 (from a process we forked)
                    else:
                        finished.add(key.fd)
                if not more:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    if key.fd not in finished:
                        lost(pipes[key.fd])


def _frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete frames off the front of `buffer`."""
    while len(buffer) >= _LENGTH:
        size = int.from_bytes(buffer[:_LENGTH], "little")
        if len(buffer) < _LENGTH + size:
            return
        body = bytes(buffer[_LENGTH : _LENGTH + size])
        del buffer[: _LENGTH + size]
        yield body
