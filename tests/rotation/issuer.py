"""An outside system that issues keys over HTTP: a real server on loopback, with an administrator's token."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ADMIN = "admin-of-the-issuer"


class Issuer(ThreadingHTTPServer):
    """Keys by id. `refuse` are the paths that answer 500; `forgetful` ignores idempotency keys."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys: dict[str, tuple[str, str]] = {}
        self.asked: list[str] = []
        self.refuse: set[str] = set()
        self.forgetful = False
        self.lose_answer = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def make(self, name: str) -> tuple[str, str]:
        """A key by name; the one there already when names are idempotency keys."""
        known = next((one for one, (other, _) in self.keys.items() if other == name), "")
        if known and not self.forgetful:
            return known, self.keys[known][1]
        made = f"key-{len(self.asked)}"
        self.keys[made] = (name, secrets.token_urlsafe(24))
        return made, self.keys[made][1]

    def fill(self, slot: str) -> str:
        """A fresh key in a slot, in the place of what was there."""
        self.keys[slot] = (slot, secrets.token_urlsafe(24))
        return self.keys[slot][1]

    def takes(self, value: str) -> bool:
        return any(value == secret for _, secret in self.keys.values())


class Handler(BaseHTTPRequestHandler):
    server: Issuer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, status: int, body: Any = None) -> None:
        text = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _go(self) -> None:
        issuer, url = self.server, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = f"{self.command} {url.path}"
        issuer.asked.append(what)
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if any(what.startswith(refused) for refused in issuer.refuse):
            self._answer(500, {"error": "down"})
        elif url.path == "/v1/me":
            self._answer(200 if issuer.takes(bearer) else 401)
        elif bearer != ADMIN:
            self._answer(403)
        else:
            self._manage(what, body)

    def _manage(self, what: str, body: bytes) -> None:
        """What administrators may do."""
        issuer, url = self.server, urlsplit(self.path)
        if what == "POST /v1/keys":
            made, value = issuer.make(json.loads(body)["name"])
            if issuer.lose_answer:
                issuer.lose_answer = False
                self.close_connection = True
                return
            self._answer(201, {"key": {"id": made, "value": value}})
        elif what == "GET /v1/keys":
            name = parse_qs(url.query).get("name", [""])[0]
            found = [{"id": one, "name": other} for one, (other, _) in issuer.keys.items() if name in other]
            self._answer(200, {"keys": found})
        elif what.startswith("POST /v1/slots/"):
            self._answer(200, {"value": issuer.fill(url.path.removeprefix("/v1/slots/"))})
        elif self.command == "DELETE":
            issuer.keys.pop(unquote(url.path.rpartition("/")[2]), None)
            self._answer(204)
        else:
            self._answer(404)

    do_GET = do_POST = do_DELETE = _go  # noqa: N815 - the base class's names


@contextmanager
def running() -> Iterator[Issuer]:
    """An issuer that serves until the block ends."""
    with Issuer() as issuer:
        thread = threading.Thread(target=issuer.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            issuer.shutdown()
            thread.join()


def declaration(issuer: Issuer, **more: Any) -> dict[str, Any]:
    """A target for it."""
    return {
        "kind": "http",
        "secret": "kv/app/api",
        "url": issuer.url,
        "auth": {"secret": "kv/admin", "headers": {"Authorization": "Bearer {{admin.token}}"}},
        "create": {
            "method": "POST",
            "path": "/keys",
            "body": {"name": "app-{{key}}"},
            "facts": {"id": "/key/id"},
            "secret": {"api_key": "/key/value"},
        },
        "verify": {"path": "/me", "headers": {"Authorization": "Bearer {{new.api_key}}"}},
        "retire": {"method": "DELETE", "path": "/keys/{{old.id}}", "expect": [204, 404]},
        "verify_dead": {"path": "/me", "headers": {"Authorization": "Bearer {{old.api_key}}"}},
        **more,
    }


SLOTS = {
    "slots": ["one", "two"],
    "create": {"method": "POST", "path": "/slots/{{slot}}", "secret": {"api_key": "/value"}},
    "retire": {"method": "DELETE", "path": "/slots/{{old_slot}}"},
}
FIND = {"path": "/keys?name=app-{{key}}", "each": "/keys", "facts": {"id": "/id"}}
