"""Request signatures by name, for providers that take no bearer credential.

Source: AWS General Reference, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hashlib
import hmac
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
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4" + values["secret"].encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    credential = f"{values['key_id']}/{scope}"
    del headers["Host"]
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return request._replace(headers=headers)


def _signs(name: str) -> bool:
    """Which headers are signed: those that make the request, not those a proxy may touch."""
    return name.lower() in ("host", "content-type") or name.lower().startswith("x-amz-")


def _query(text: str) -> str:
    pairs = sorted(parse_qsl(text, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)


SCHEMES = {"aws_sigv4": aws_sigv4}
