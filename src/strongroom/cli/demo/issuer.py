"""A small service that issues keys over HTTP: stands for an outside system where there is no PostgreSQL."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strongroom.cli.demo.stage import Stage


class KeyService:
    """Keys by name; several may be valid at once."""

    name = "a service that issues keys"
    secret = "secret/data/shop/api"

    def __init__(self) -> None:
        self.admin = secrets.token_urlsafe(18)
        self.keys: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> KeyService:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def issue(self, name: str) -> str:
        """The key of this name, made when there is none."""
        return self.keys.setdefault(name, secrets.token_urlsafe(24))

    def prepare(self, stage: Stage) -> None:
        """Issue the first key, store it, and tell the server how to replace it."""
        first = {"id": "first", "api_key": self.issue("first")}
        stage.ask("POST", "secret/data/shop/api", {"data": first})
        stage.ask("POST", "secret/data/shop/admin", {"data": {"token": self.admin}})
        bearer = {"Authorization": "Bearer {{new.api_key}}"}
        target = {
            "kind": "http",
            "secret": "secret/shop/api",
            "url": f"http://{self.place}",
            "auth": {"secret": "secret/shop/admin", "headers": {"Authorization": "Bearer {{admin.token}}"}},
            "create": {
                "method": "POST",
                "path": "/keys",
                "body": {"name": "{{key}}"},
                "facts": {"id": "/id"},
                "secret": {"api_key": "/value"},
            },
            "verify": {"path": "/me", "headers": bearer},
            "retire": {"method": "DELETE", "path": "/keys/{{old.id}}", "expect": [204, 404]},
            "verify_dead": {"path": "/me", "headers": {"Authorization": "Bearer {{old.api_key}}"}},
        }
        stage.ask("POST", "rotation/plans/shop", {"target": target, "grace": 5, "settle": 1})

    def credential(self, stage: Stage, token: str) -> tuple[str, str]:
        """The key in force, as an application fetches it."""
        return "shop", stage.ask("GET", self.secret, token=token)["data"]["api_key"]

    def takes(self, user: str, password: str) -> bool:
        """Whether the service accepts a key."""
        return password in self.keys.values()

    def answer(self, method: str, path: str, bearer: str, body: Any) -> tuple[int, Any]:
        """Answer one request."""
        if path == "/me":
            return (200, {}) if self.takes("", bearer) else (401, {})
        if bearer != self.admin:
            return 403, {}
        if method == "POST" and path == "/keys":
            return 201, {"id": body["name"], "value": self.issue(body["name"])}
        if method == "DELETE":
            self.keys.pop(path.removeprefix("/keys/"), None)
            return 204, None
        return 404, {}


def _handler(service: KeyService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _go(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, answer = service.answer(self.command, self.path, bearer, json.loads(sent or b"null"))
            text = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _go  # noqa: N815 (the base class's names)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler
