"""A webhook's receiver on loopback: keeps what it is sent, and can refuse."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import NamedTuple, Self

import msgspec


class Told(NamedTuple):
    """One delivery."""

    event: str
    incident: str
    body: bytes
    headers: dict[str, str]


class Receiver:
    """Answers 200, or the statuses in `answers` first."""

    def __init__(self, *answers: int) -> None:
        self.told: SimpleQueue[Told] = SimpleQueue()
        self.answers = list(answers)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sent = msgspec.json.decode(body)
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://169.254.169.254/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.told.put(Told(sent["event"], sent["incident"], body, dict(self.headers)))

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/leaks"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def until(self, event: str) -> Told:
        """Wait for an event."""
        while (told := self.told.get(timeout=30)).event != event:
            pass
        return told
