"""Pull from a container registry: manifests and blobs, verified by digest.

Source: the OCI distribution specification 1.1 and its token authentication
(`WWW-Authenticate: Bearer realm, service, scope`). Credentials go to the realm
that the registry names, over TLS or to this machine only; a redirect to
another host is followed without them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from strongroom.errors import IntegrityFailure, InvalidRequest, NotFound, PermissionDenied, UpstreamFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
MANIFEST_BYTES = 8 << 20  # the specification asks registries to take 4 MiB
ATTEMPTS = 4
REDIRECTS = 5
TIMEOUT = 30.0
HUB = "registry-1.docker.io"
NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*").fullmatch
REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})").fullmatch
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
LOCAL = ("localhost", "127.0.0.1", "::1")
LOGIN = "set STRONGROOM_REGISTRY_USER and STRONGROOM_REGISTRY_PASSWORD, or `docker login`"


class Reference(NamedTuple):
    """An image at a registry: `host/name:tag` or `host/name@sha256:…`."""

    host: str
    name: str
    version: str

    @property
    def base(self) -> str:
        """The address of the repository; plain HTTP for this machine only."""
        plain = urlsplit(f"//{self.host}").hostname in LOCAL
        return f"{'http' if plain else 'https'}://{self.host}/v2/{self.name}"


def parse_reference(text: str) -> Reference:
    """Read an image reference as people write it; raises InvalidRequest for what is none."""
    text = text.removeprefix("docker://")
    host, slash, rest = text.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", text
    name, at, version = rest.partition("@")
    if not at:
        name, _, version = rest.partition(":")
        version = version or "latest"
    if host in ("docker.io", "index.docker.io"):
        host, name = HUB, name if "/" in name else f"library/{name}"
    if (
        not NAME(name)
        or not REFERENCE(version)
        or not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", host)
    ):
        raise InvalidRequest(f"{text!r} is no image file and no image reference")
    return Reference(host, name, version)


class Registry:
    """One repository of a registry. `credentials` is (user, password), empty for anonymous pulls."""

    def __init__(
        self,
        reference: Reference,
        credentials: tuple[str, str] | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.reference = reference
        self._credentials = credentials
        self._sleep = sleep
        self._authorization = ""
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def manifest(self, version: str) -> tuple[dict[str, Any], str]:
        """Return a manifest or index and its digest; one asked by digest is verified."""
        accept = {"Accept": ", ".join(MANIFESTS)}
        data = b"".join(self._stream(f"{self.reference.base}/manifests/{version}", accept, MANIFEST_BYTES))
        digest = version if ":" in version else "sha256:" + hashlib.sha256(data).hexdigest()
        verify(digest, _hashed(digest, [data]))
        try:
            found = json.loads(data)
        except ValueError as error:
            raise UpstreamFailed(f"{self.reference.host}: the manifest is no JSON") from error
        if not isinstance(found, dict):
            raise UpstreamFailed(f"{self.reference.host}: the manifest is no object")
        return found, digest

    def blob(self, digest: str, max_size: int) -> Iterator[bytes]:
        """Yield the pieces of a blob; raises IntegrityFailure at the end when its digest differs."""
        if not REFERENCE(digest) or ":" not in digest:
            raise UpstreamFailed("the manifest names a digest of an unknown form")
        hasher = hashlib.new(digest.partition(":")[0])
        for piece in self._stream(f"{self.reference.base}/blobs/{digest}", {}, max_size):
            hasher.update(piece)
            yield piece
        verify(digest, hasher.hexdigest())

    def _stream(self, url: str, headers: dict[str, str], max_size: int) -> Iterator[bytes]:
        response = self._get(url, headers)
        try:
            size = 0
            for piece in response.iter_raw(1 << 16):
                size += len(piece)
                if size > max_size:
                    raise UpstreamFailed(f"{self.reference.host}: more than {max_size:,} bytes were sent")
                yield piece
        except httpx.HTTPError as error:
            raise UpstreamFailed(f"{self.reference.host}: {type(error).__name__} while reading") from error
        finally:
            response.close()

    def _get(self, url: str, headers: dict[str, str]) -> httpx.Response:
        """Return an open answer with status 200: logs in when asked, follows redirects, tries again."""
        target, logged_in, redirects, attempt = url, False, 0, 0
        while True:
            response = self._send(target, headers)
            status = response.status_code
            if status == 200:
                return response
            response.close()
            if status == 401 and not logged_in and _same_host(target, url):
                self._log_in(response.headers.get("www-authenticate", ""))
                logged_in = True
            elif status in (301, 302, 303, 307, 308) and redirects < REDIRECTS:
                target = _follow(target, response.headers.get("location", ""))
                redirects += 1
            elif (status == 429 or status >= 500) and attempt < ATTEMPTS - 1:
                attempt += 1
                self._sleep(_pause(response.headers.get("retry-after", ""), attempt))
            else:
                raise _failure(self.reference, status)

    def _send(self, target: str, headers: dict[str, str]) -> httpx.Response:
        sent = {"Accept-Encoding": "identity", **headers}
        if self._authorization and _same_host(target, self.reference.base):
            sent["Authorization"] = self._authorization
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._client.send(self._client.build_request("GET", target, headers=sent), stream=True)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise UpstreamFailed(
                        f"{self.reference.host} cannot be reached ({type(error).__name__})"
                    ) from error
                self._sleep(_pause("", attempt))
        raise UpstreamFailed(self.reference.host)

    def _log_in(self, challenge: str) -> None:
        """Answer a challenge: Basic at once, Bearer with a token from its realm."""
        scheme, _, rest = challenge.partition(" ")
        basic = ""
        if self._credentials:
            basic = "Basic " + base64.b64encode(":".join(self._credentials).encode()).decode()
        if scheme.lower() == "basic" and basic:
            self._authorization = basic
        elif scheme.lower() == "bearer":
            self._authorization = "Bearer " + self._token(dict(CHALLENGE.findall(rest)), basic)
        else:
            raise PermissionDenied(f"{self.reference.host} asks for credentials: {LOGIN}")

    def _token(self, challenge: dict[str, str], basic: str) -> str:
        realm = urlsplit(challenge.get("realm", ""))
        if realm.scheme != "https" and not (realm.scheme == "http" and realm.hostname in LOCAL):
            raise UpstreamFailed(f"{self.reference.host}: its token service has no safe address")
        wanted = {"service": challenge.get("service", ""), "scope": f"repository:{self.reference.name}:pull"}
        headers = {"Authorization": basic} if basic else {}
        try:
            response = self._client.get(challenge["realm"], params=wanted, headers=headers)
            answer = response.json() if response.status_code == 200 else {}
        except (httpx.HTTPError, ValueError) as error:
            raise UpstreamFailed(f"{realm.hostname}: no token ({type(error).__name__})") from error
        token = answer.get("token") or answer.get("access_token") if isinstance(answer, dict) else ""
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise PermissionDenied(f"{realm.hostname} gives no token for {self.reference.name}: {LOGIN}")
        return token


def verify(digest: str, found: str) -> None:
    """Raise IntegrityFailure unless the hexadecimal hash `found` is the one `digest` names."""
    if digest.partition(":")[2] != found:
        raise IntegrityFailure(f"{digest} does not match what was sent")


def _hashed(digest: str, pieces: list[bytes]) -> str:
    hasher = hashlib.new(digest.partition(":")[0])
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


def _same_host(one: str, other: str) -> bool:
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def _follow(target: str, location: str) -> str:
    """Return where a redirect leads: never from TLS to plain HTTP."""
    following = urljoin(target, location)
    scheme = urlsplit(following).scheme
    if scheme not in ("http", "https") or (scheme == "http" and urlsplit(target).scheme == "https"):
        raise UpstreamFailed("the registry redirects to an unsafe address")
    return following


def _pause(retry_after: str, attempt: int) -> float:
    return min(float(retry_after), 30.0) if retry_after.isdigit() else 0.25 * 2**attempt


def _failure(reference: Reference, status: int) -> Exception:
    what = f"{reference.host}/{reference.name}:{reference.version}"
    if status == 404:
        return NotFound(f"{what} does not exist")
    if status in (401, 403):
        return PermissionDenied(f"{what} is not open to these credentials")
    return UpstreamFailed(f"{what}: the registry answers {status}")
