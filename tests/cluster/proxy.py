"""A network between two programs that can be cut: nothing passes, and neither side is told."""

import socket
from contextlib import suppress
from threading import Event, Thread
from typing import Self


class Flow:
    """One connection, in both directions."""

    def __init__(self, near: socket.socket, far: socket.socket, asking: Event, answering: Event) -> None:
        self.lost = False
        self._sockets = near, far
        ways = ((near, far, asking), (far, near, answering))
        self._threads = [Thread(target=self._pump, args=way) for way in ways]
        for thread in self._threads:
            thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, passing: Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                passing.wait()
                if not self.lost:
                    target.sendall(data)
        passing.wait()
        if not self.lost:
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()


class Proxy:
    """Forwards connections to a port of loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._asking, self._answering = Event(), Event()
        self.mend()
        self._flows: list[Flow] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept)
        self._thread.start()

    def cut(self) -> None:
        """Hold everything back, as a network does that drops packets: senders send them again later."""
        self._asking.clear()
        self._answering.clear()

    def cut_answers(self) -> None:
        """Hold back what comes from the target only."""
        self._answering.clear()

    def mend(self) -> None:
        """Let everything pass, also what was held back."""
        self._asking.set()
        self._answering.set()

    def forget(self) -> None:
        """Drop what belongs to present connections, for good and in silence; new ones work."""
        for flow in self._flows:
            flow.lost = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=10)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self._flows.append(Flow(near, far, self._asking, self._answering))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.mend()
        for flow in self._flows:
            flow.close()
