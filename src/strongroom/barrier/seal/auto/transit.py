"""The transit engine of another Vault, OpenBao or Strongroom: its key wraps, and stays there.

The token is read anew for each request, so an agent may replace it, and renewed before it ends.
API: Vault's `transit/encrypt`, `transit/decrypt`, `auth/token/renew-self`. No redirect is followed.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from strongroom.errors import IntegrityFailure, UpstreamFailed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    import httpx

    from strongroom.sensitive import Sensitive

KIND = "transit"
TIMEOUT_SECONDS = 10.0
_SHORTEST_RENEWAL = 5.0
_BAD_REQUEST, _FORBIDDEN = 400, 403
_FOREIGN = "authentication failed"
"""In the answer to a ciphertext that another key has made."""


class Transit:
    """A key of a transit engine. `token` is asked for at each use."""

    kind = KIND

    def __init__(
        self,
        address: str,
        key_name: str,
        token: Callable[[], Sensitive[str]],
        *,
        mount_path: str = "transit",
        namespace: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._key_name = key_name
        self._mount = mount_path.strip("/")
        self._namespace = namespace
        self._token = token
        self._tls = tls

    async def encrypt(self, data_key: bytes) -> tuple[bytes, str]:
        """Ciphertext as `vault:v1:…`, and the `v1` of it. Raises UpstreamFailed."""
        plaintext = base64.b64encode(data_key).decode()
        answer = await self._ask(f"{self._mount}/encrypt/{self._key_name}", {"plaintext": plaintext})
        ciphertext = str(_part(answer, "data").get("ciphertext"))
        parts = ciphertext.split(":")
        if len(parts) != 3 or not parts[2]:
            raise UpstreamFailed("the transit server answered without a ciphertext")
        return ciphertext.encode(), parts[1]

    async def decrypt(self, ciphertext: bytes, version: str) -> bytes:
        """Undo `encrypt`; the version is part of the ciphertext. Raises as the seam says."""
        body = {"ciphertext": ciphertext.decode("ascii", "replace")}
        answer = await self._ask(f"{self._mount}/decrypt/{self._key_name}", body)
        try:
            return base64.b64decode(_part(answer, "data")["plaintext"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise UpstreamFailed("the transit server answered without a plaintext") from None

    async def keep(self) -> float | None:
        """Renew the token; seconds until it should be renewed again, None when it never ends.

        Raises UpstreamFailed.
        """
        own = _part(await self._ask("auth/token/lookup-self"), "data")
        if not own.get("ttl") or not own.get("renewable"):
            return None
        renewed = _part(await self._ask("auth/token/renew-self", {}), "auth")
        return max(float(renewed.get("lease_duration") or 0) / 2, _SHORTEST_RENEWAL)

    async def _ask(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 (a server without this seal starts without it)

        headers = {"X-Vault-Token": self._token().reveal(), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        url, method = f"{self._address}/v1/{path}", "GET" if body is None else "POST"
        verify = self._tls if self._tls is not None else True
        try:
            async with httpx.AsyncClient(verify=verify, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                answer = await client.request(method, url, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = type(error).__name__
            raise UpstreamFailed(f"the transit server {self._address} does not answer: {reason}") from None
        return _checked(answer)


def _part(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside the answer; empty when there is none."""
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == _BAD_REQUEST and _FOREIGN in answer.text:
        raise IntegrityFailure("the transit key does not open the seal")
    if answer.status_code == _FORBIDDEN:
        raise UpstreamFailed("the transit server refuses the token")
    if not answer.is_success:
        raise UpstreamFailed(f"the transit server answered {answer.status_code}")
    try:
        body = answer.json()
    except ValueError:
        raise UpstreamFailed("the transit server answered something that is no JSON") from None
    return body if isinstance(body, dict) else {}
