"""The one way out for declared targets: https to hosts that the configuration names, bounded, no redirects.

A name is looked up once for a request and the connection goes to that address. The HTTP client is
a quarter of a server's start, so it is imported by the first target that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from strongroom.audit.devices.connection import tls_context
from strongroom.audit.devices.outbound import Outbound
from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.jobs import still_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

TIMEOUT_SECONDS = 20.0
LARGEST_ANSWER = 1 << 20
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


class Asked(NamedTuple):
    """A request that is ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Asked({self.method})"


class Answer(NamedTuple):
    """A status, and the JSON of the body where it is some."""

    status: int
    body: Any

    def __repr__(self) -> str:
        return f"Answer({self.status})"


class Outlet:
    """Sends requests to what `outbound` allows."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def check(self, url: str, tls_ca: str = "") -> httpx.URL:
        """The parsed base of a target's requests. Raises InvalidRequest for one that may not be reached."""
        import httpx  # noqa: PLC0415 (see above)

        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            raise InvalidRequest("the target's url is not valid") from None
        plain = parsed.scheme == "http" and parsed.host in LOOPBACK
        if not parsed.host or not (parsed.scheme == "https" or plain):
            raise InvalidRequest("the target's url is https (http on loopback only)")
        if parsed.userinfo or parsed.fragment or parsed.query:
            raise InvalidRequest("the target's url has no user, query or fragment")
        self._outbound.permit(parsed.host, _port(parsed))
        if tls_ca:
            tls_context(tls_ca)
        return parsed

    async def send(self, url: str, tls_ca: str, asked: Asked) -> Answer:
        """One request. Raises UpstreamFailed, with no more than the kind of fault."""
        import httpx  # noqa: PLC0415 (see above)

        base = self.check(url, tls_ca)
        address = await self._outbound.resolve(base.host, _port(base))
        raw_path = base.raw_path.rstrip(b"/") + asked.path.encode("ascii")
        place = base.copy_with(host=address, raw_path=raw_path)
        # Without TLS (on loopback only) no authorities are read: that takes longer than the request.
        trusted = tls_context(tls_ca) if base.scheme == "https" else False
        await still_ours()
        headers = {**asked.headers, "Host": base.netloc.decode("ascii")}
        try:
            async with (
                httpx.AsyncClient(verify=trusted, timeout=TIMEOUT_SECONDS, trust_env=False) as client,
                client.stream(
                    asked.method,
                    place,
                    headers=headers,
                    content=asked.body or None,
                    extensions={"sni_hostname": base.host},
                ) as answer,
            ):
                return Answer(answer.status_code, _decoded(await _bounded(answer)))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise UpstreamFailed(f"{base.host} did not answer: {type(error).__name__}") from None


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise InvalidRequest for headers that cannot be sent or would frame the request."""
    for name, value in headers.items():
        if name.lower() in FRAMING:
            raise InvalidRequest(f"the header '{name}' frames the request and cannot be given")
        if not name or not (name + value).isascii() or not (name + value).isprintable():
            raise InvalidRequest("headers are printable ASCII")


async def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > LARGEST_ANSWER:
            raise UpstreamFailed("the answer is too large")
    return body


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
