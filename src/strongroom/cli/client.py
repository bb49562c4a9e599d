"""Requests to one server, and what its answers mean.

Proxies of the environment are not used and redirects are not followed: a token goes to the
server that was named and to nobody else. Source: Vault's HTTP API for headers and bodies.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from strongroom.cli.errors import UNREACHABLE, USAGE, Failure
from strongroom.cli.exchange import Connection, NotHttp

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from strongroom.sensitive import Sensitive

READS = frozenset({"GET", "LIST", "SCAN"})
BUSY = frozenset({412, 429})
BROKEN = frozenset({500, 502, 504})
LONGEST_WAIT = 30.0
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(|ms|s|m|h)")


class Options(NamedTuple):
    """How to reach the server. `timeout` is in seconds."""

    address: str
    token: Sensitive[str] | None = None
    namespace: str = ""
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""
    server_name: str = ""
    verify: bool = True
    timeout: float = 60.0
    retries: int = 2
    reason: str = ""


def options(value: Mapping[str, str], token: Sensitive[str] | None, reason: str = "") -> Options:
    """What settings say of the way to the server. Raises ValueError naming one that is no number."""
    return Options(
        address=value["address"],
        token=token,
        namespace=value["namespace"],
        ca_cert=value["ca_cert"],
        client_cert=value["client_cert"],
        client_key=value["client_key"],
        server_name=value["tls_server_name"],
        verify=value["skip_verify"].lower() not in ("1", "t", "true", "yes"),
        timeout=_seconds(value, "timeout"),
        retries=int(_seconds(value, "retries")),
        reason=reason,
    )


def _seconds(value: Mapping[str, str], name: str) -> float:
    found = _NUMBER.fullmatch(value[name].strip())
    if found is None:
        raise ValueError(name)
    return float(found[1]) * _UNITS[found[2]]


class Refused(Exception):
    """The server's own answer that it will not: a status and its messages."""

    def __init__(
        self,
        method: str,
        path: str,
        status: int,
        messages: list[str],
        body: Any,
        request: str = "",
        after: float | None = None,
    ) -> None:
        super().__init__(f"{method} {path}: {status}")
        self.request = request
        self.after = after
        self.method = method
        self.path = path
        self.status = status
        self.messages = messages
        self.body = body


class Answer(NamedTuple):
    """A status, the decoded JSON (None without a body), the bytes, `date`, and the request's id.

    `after` are the seconds after which the server asks to come back, where it does.
    """

    status: int
    body: Any
    raw: bytes
    date: str = ""
    request: str = ""
    after: float | None = None


class Client:
    """One server, asked over one connection."""

    def __init__(self, options: Options) -> None:
        self.options = options
        parts = urlsplit(options.address)
        try:
            self.host, self.port = (
                parts.hostname or "",
                parts.port or (443 if parts.scheme == "https" else 80),
            )
        except ValueError:
            self.host = ""
        if parts.scheme not in ("http", "https") or not self.host or parts.username or parts.query:
            raise Failure(
                USAGE,
                f"'{options.address}' is not the address of a server",
                "An address is http:// or https://, a host and perhaps a port.",
                "For example: --address https://vault.example.com:8200",
            )
        self.encrypted = parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._connection: Connection | None = None

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> Answer:
        """One answer. Raises Refused for a status of 400 and above, Failure when there is none.

        Unless `raw`, an answer with a body is a JSON object or it is no answer.
        """
        target = f"{self._base}/v1/{quote(path.strip('/'), safe='/~+@:=,')}"
        target += f"?{urlencode(query)}" if query else ""
        sent = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        fields = self._headers() | dict(headers or {})
        attempt = 0
        while True:
            answer = self._exchange(method, target, sent, fields)
            if attempt >= self.options.retries or not _again(method, answer):
                break
            time.sleep(
                answer.after
                if answer.after is not None
                else 0.25 * 2**attempt * (0.5 + os.urandom(1)[0] / 255)
            )
            attempt += 1
        checked = _checked(method, path, answer)
        if answer.raw and not raw and not isinstance(answer.body, dict):
            raise Failure(
                UNREACHABLE,
                f"{self.options.address} does not answer as a vault does",
                "What came back is no JSON object.",
                "Is it the address of the server itself?",
            )
        return checked

    def allow(self, seconds: float) -> None:
        """Allow so much for each answer from now on."""
        self.options = self.options._replace(timeout=seconds)
        if self._connection is not None:
            self._connection.limit = seconds

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def tls(self) -> ssl.SSLContext:
        """What is asked of the server's certificate. Raises Failure for files that cannot be used."""
        import ssl  # noqa: PLC0415 (not for a server on this machine without TLS)

        options = self.options
        try:
            context = ssl.create_default_context(cafile=options.ca_cert or None)
            if options.client_cert:
                context.load_cert_chain(options.client_cert, options.client_key or None)
        except (OSError, ssl.SSLError) as error:
            named = options.client_cert or options.ca_cert
            raise Failure(USAGE, f"cannot use {named}", f"{error}", "Both are PEM files.") from None
        if not options.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _headers(self) -> dict[str, str]:
        options = self.options
        named = {
            "X-Vault-Token": options.token.reveal() if options.token is not None else "",
            "X-Vault-Namespace": options.namespace,
            "X-Strongroom-Reason": options.reason,
        }
        return {"X-Vault-Request": "true", **{name: value for name, value in named.items() if value}}

    def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        fields = {"Content-Type": "application/json", **headers} if body is not None else headers
        try:
            reply = self._connected().ask(method, target, fields, body)
        except (OSError, ValueError) as error:
            self.close()
            raise self._unreachable(error) from None
        if reply.closes:
            self.close()
        given = reply.headers.get("retry-after", "")
        after = float(given) if given.isdecimal() else None
        date, request = reply.headers.get("date", ""), reply.headers.get("x-request-id", "")
        return Answer(reply.status, _decoded(reply.body), reply.body, date, request, after)

    def _connected(self) -> Connection:
        if self._connection is None:
            tls = self.tls() if self.encrypted else None
            options = self.options
            self._connection = Connection(self.host, self.port, options.timeout, tls, options.server_name)
        return self._connection

    def _unreachable(self, error: Exception) -> Failure:
        where = self.options.address
        verdict = getattr(error, "verify_message", "")
        if verdict:
            return Failure(
                UNREACHABLE,
                f"the certificate of {where} is not trusted",
                f"{verdict[0].upper()}{verdict[1:]}.",
                "Name its authority with --ca-cert FILE; strongroom doctor tells more.",
            )
        if isinstance(error, UnicodeError) or not isinstance(error, OSError):
            return Failure(USAGE, "the request cannot be sent", "A header would hold a forbidden character.")
        why = "It took too long." if isinstance(error, TimeoutError) else _reason(error)
        hint = "Is it running, and is the address right? strongroom doctor looks closer."
        if isinstance(error, NotHttp) or getattr(error, "library", "") == "SSL":
            hint = "Does it speak TLS? Try " + ("http://" if self.encrypted else "https://") + " instead."
        return Failure(UNREACHABLE, f"no answer from {where}", why, hint)


def _again(method: str, answer: Answer) -> bool:
    """A busy server refused before doing anything; a broken one may have written, so only reads repeat.

    503 is a sealed server, which time alone does not open, unless it says when to come back. Who is asked
    to come back much later is told so at once.
    """
    if answer.after is not None and answer.after > LONGEST_WAIT:
        return False
    broken = answer.status in BROKEN or (answer.status == 503 and answer.after is not None)
    return answer.status in BUSY or (method in READS and broken)


def _checked(method: str, path: str, answer: Answer) -> Answer:
    if 300 <= answer.status < 400:
        raise Failure(
            UNREACHABLE,
            "the server sends elsewhere, and redirects are not followed",
            "A token goes only to the server that was named.",
            "Set --address to the server itself.",
        )
    if answer.status >= 400:
        found = answer.body.get("errors") if isinstance(answer.body, dict) else None
        messages = [str(text) for text in found] if isinstance(found, list) else []
        raise Refused(method, path, answer.status, messages, answer.body, answer.request, answer.after)
    return answer


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    text = str(text).rstrip(".")
    return f"{text.replace('_', ' ').capitalize() if text.isupper() else text}."
