"""Request signatures by name, for providers that take no bearer credential.

Sources: AWS General Reference, "Signature Version 4 signing process"; Google Identity,
"Using OAuth 2.0 for server to server applications"; Azure Storage, "Authorize with Shared Key".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.scanner.verify.fill import Request

_ALGORITHM = "AWS4-HMAC-SHA256"


def aws_sigv4(request: Request, values: Mapping[str, str], now: float | None = None) -> Request:
    """Sign for AWS with `key_id`, the secret and, for temporary keys, `session`.

    Region and service come from the host: `sts.us-east-1.amazonaws.com`, or
    `iam.amazonaws.com`, whose region is us-east-1.
    """
    if not values.get("key_id"):
        raise InvalidRequest("the key ID is not known")
    if values["key_id"].startswith("ASIA") and not values.get("session"):
        raise InvalidRequest("a temporary key is nothing without its session token")
    labels = request.host.split(".")
    service, region = labels[0], labels[1] if len(labels) > 3 else "us-east-1"
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if now is None else now))
    headers = {**request.headers, "Host": request.host, "X-Amz-Date": stamp}
    if values.get("session"):
        headers["X-Amz-Security-Token"] = values["session"]
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items() if _signs(name)}
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            request.method,
            request.target.partition("?")[0],
            _query(request.target.partition("?")[2]),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    signature = _aws_signature(values["secret"], stamp, scope, canonical)
    credential = f"{values['key_id']}/{scope}"
    del headers["Host"]
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return request._replace(headers=headers)


def _aws_signature(secret: str, stamp: str, scope: str, canonical: str) -> str:
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.digest(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()


def _signs(name: str) -> bool:
    """Which headers are signed: those that make the request, not those a proxy may touch."""
    return name.lower() in ("host", "content-type") or name.lower().startswith("x-amz-")


def _query(text: str) -> str:
    pairs = sorted(parse_qsl(text, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)


def google_jwt(request: Request, values: Mapping[str, str], now: float | None = None) -> Request:
    """Prove a service account's key: the body gets a statement of `email`, signed with the secret (PEM)."""
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 (for this type alone)
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(values["secret"].replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError):
        raise InvalidRequest("the value is no private key") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidRequest("the private key is of another kind")
    at = int(time.time() if now is None else now)
    scope = "https://www.googleapis.com/auth/userinfo.email"  # tells who it is, and no more
    audience = f"https://{request.host}{request.target}"
    claims = {"iss": values["email"], "scope": scope, "aud": audience, "iat": at, "exp": at + 60}
    text = b".".join(_url64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    signature = _url64(key.sign(text, padding.PKCS1v15(), hashes.SHA256()))
    return request._replace(body=request.body + b"&assertion=" + text + b"." + signature)


def _url64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def azure_shared_key(request: Request, values: Mapping[str, str], now: float | None = None) -> Request:
    """Sign a request without a body for Azure Storage, for `account` with the secret as its key."""
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() if now is None else now))
    marked = {"x-ms-date": stamp, "x-ms-version": "2021-08-06"}
    path, _, query = request.target.partition("?")
    resource = f"/{values['account']}{path}" + "".join(
        f"\n{name.lower()}:{value}" for name, value in sorted(parse_qsl(query, keep_blank_values=True))
    )
    lines = [
        request.method,
        *[""] * 11,
        *(f"{name}:{value}" for name, value in sorted(marked.items())),
        resource,
    ]
    try:
        key = base64.b64decode(values["secret"], validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("the value is no key in base64") from None
    signature = base64.b64encode(hmac.digest(key, "\n".join(lines).encode(), "sha256")).decode()
    login = f"SharedKey {values['account']}:{signature}"
    return request._replace(headers={**request.headers, **marked, "Authorization": login})


SCHEMES = {"aws_sigv4": aws_sigv4, "azure_shared_key": azure_shared_key, "google_jwt": google_jwt}
