"""HTTP device: batches of lines, posted as newline-delimited JSON and acknowledged by a 2xx.

API: the `http` audit device of OpenBao (`uri`, `headers`), with `token` (a bearer token), `hmac_key`
(signs each body) and `ca_pem` added. No redirect is followed, no proxy used.
"""

import hashlib
import hmac
from collections.abc import Sequence

import httpx
import msgspec

from strongroom.audit.devices.connection import tls_context
from strongroom.audit.devices.options import DevicePolicy, Options, Timeout, seconds
from strongroom.audit.segments import sequence_of
from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.sensitive import Sensitive


class HttpOptions(Options, frozen=True, kw_only=True):
    """`headers` is a JSON object of strings or lists of strings."""

    uri: str
    headers: str = "{}"
    token: str = ""
    hmac_key: str = ""
    ca_pem: str = ""
    write_timeout: Timeout = "10s"


class HttpDevice:
    """Posts lines to one address."""

    def __init__(self, options: HttpOptions, policy: DevicePolicy) -> None:
        """Raises InvalidRequest for an address that is not allowed or headers that are none."""
        self._url = _url(options.uri)
        self._port = self._url.port or (443 if self._url.scheme == "https" else 80)
        policy.outbound.permit(self._url.host, self._port)
        self._outbound = policy.outbound
        self._clock = policy.clock
        self._headers = Sensitive(_headers(options))
        self._hmac_key = Sensitive(options.hmac_key.encode())
        self._client = httpx.AsyncClient(
            verify=tls_context(options.ca_pem), timeout=seconds(options.write_timeout), trust_env=False
        )

    async def deliver(self, lines: Sequence[bytes]) -> None:
        """Post the lines as one body. Raises UpstreamFailed unless the answer is a 2xx."""
        body = b"\n".join(lines) + b"\n"
        address = await self._outbound.resolve(self._url.host, self._port)
        headers = [
            *self._headers.reveal(),
            ("Host", self._url.netloc.decode()),
            ("X-Strongroom-Sequence", f"{sequence_of(lines[0])}-{sequence_of(lines[-1])}"),
            *self._signature(body),
        ]
        try:
            answer = await self._client.post(
                self._url.copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": self._url.host},
            )
        except httpx.HTTPError as error:
            raise UpstreamFailed(f"the audit collector did not answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise UpstreamFailed(f"the audit collector answered {answer.status_code}")

    async def settle(self) -> None:
        """Nothing to do: the 2xx was the receipt."""

    def reopen(self) -> None:
        """Nothing to do: connections are made as needed."""

    async def close(self) -> None:
        """Close idle connections."""
        await self._client.aclose()

    def _signature(self, body: bytes) -> list[tuple[str, str]]:
        """`t=seconds,v1=hex`: HMAC-SHA256 over the seconds, a dot and the body."""
        key = self._hmac_key.reveal()
        if not key:
            return []
        now = int(self._clock.now())
        digest = hmac.new(key, b"%d." % now + body, hashlib.sha256).hexdigest()
        return [("X-Strongroom-Signature", f"t={now},v1={digest}")]


def _url(uri: str) -> httpx.URL:
    try:
        url = httpx.URL(uri)
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidRequest("the audit collector's uri is not valid") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.fragment:
        raise InvalidRequest("the audit collector's uri is http or https, without user or fragment")
    return url


def _headers(options: HttpOptions) -> list[tuple[str, str]]:
    try:
        given = msgspec.json.decode(options.headers, type=dict[str, str | list[str]])
    except msgspec.DecodeError as error:
        raise InvalidRequest("headers is a JSON object of strings or lists of strings") from error
    made = [("Content-Type", "application/x-ndjson")]
    for name, values in given.items():
        made += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    if options.token:
        made.append(("Authorization", f"Bearer {options.token}"))
    if any(name.lower() in ("host", "content-length", "transfer-encoding") for name, _ in made):
        raise InvalidRequest("headers may not frame the request")
    if not all((name + value).isprintable() and (name + value).isascii() for name, value in made):
        raise InvalidRequest("headers are printable ASCII")
    return made
