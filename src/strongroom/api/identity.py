"""What the header fields say about who asks: token, namespace, wrapping, inline login.

Source: Vault's HTTP API for `X-Vault-*`; OpenBao's for inline authentication.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from strongroom.errors import InvalidRequest
from strongroom.framework import CanonicalPath, Operation, canonical
from strongroom.framework.wire import seconds
from strongroom.sensitive import Sensitive

INLINE_PREFIX = "x-vault-inline-auth-"
_PARAMETER = "x-vault-inline-auth-parameter-"
_NAMESPACE = ("x-vault-namespace", "x-bao-namespace")
_PASSED = ("user-agent", "x-strongroom-reason", "content-type")
_OPERATIONS = {
    "": Operation.WRITE,
    "update": Operation.WRITE,
    "create": Operation.WRITE,
    "write": Operation.WRITE,
    "read": Operation.READ,
}


class Parameter(msgspec.Struct, frozen=True):
    """One inline login field: base64url of `{"key": …, "value": …}`."""

    key: str
    value: object


@dataclass(frozen=True, slots=True)
class InlineLogin:
    """A login to make first, with the fields of its body."""

    path: CanonicalPath
    operation: Operation
    namespace: str
    body: Sensitive[bytes]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The fixed part of a client's requests. `passed` are the fields the core may see."""

    token: Sensitive[str] | None = None
    namespace: str = ""
    wrap_ttl: int = 0
    passed: Mapping[str, str] = field(default_factory=dict)
    inline: InlineLogin | None = None


def credentials(headers: Mapping[str, str]) -> Credentials:
    """Read the fixed part; raises InvalidRequest for a malformed field, without its value."""
    namespace = _named(headers)
    token = _token(headers)
    inline = _inline(headers, namespace)
    if inline is not None and token is not None:
        raise InvalidRequest("a request carries a token or an inline login, not both")
    wrap = headers.get("x-vault-wrap-ttl", "")
    return Credentials(
        token=Sensitive(token) if token is not None else None,
        namespace=namespace,
        wrap_ttl=seconds(wrap) if wrap else 0,
        passed={name: headers[name] for name in _PASSED if name in headers},
        inline=inline,
    )


def _token(headers: Mapping[str, str]) -> str | None:
    token = headers.get("x-vault-token", "")
    if not token:
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else ""
    if token and not (token.isascii() and token.isprintable()):
        raise InvalidRequest("the token holds characters that no token has")
    return token or None


def _named(headers: Mapping[str, str]) -> str:
    """The namespace of the request; both fields may name it, if they agree."""
    named = {_namespace(headers[name]) for name in _NAMESPACE if name in headers}
    if len(named) > 1:
        raise InvalidRequest("two header fields name different namespaces")
    return named.pop() if named else ""


def _namespace(value: str) -> str:
    path = value.strip("/")
    return canonical(path.encode("latin-1")) if path not in ("", "root") else ""


def _inline(headers: Mapping[str, str], namespace: str) -> InlineLogin | None:
    path = headers.get(INLINE_PREFIX + "path")
    if path is None:
        return None
    operation = _OPERATIONS.get(headers.get(INLINE_PREFIX + "operation", "").lower())
    if operation is None:
        raise InvalidRequest("unknown operation for the inline login")
    chosen = headers.get(INLINE_PREFIX + "namespace")
    fields = dict(_parameter(value) for name, value in headers.items() if name.startswith(_PARAMETER))
    return InlineLogin(
        path=canonical(path.strip("/").encode("latin-1")),
        operation=operation,
        namespace=namespace if chosen is None else _namespace(chosen),
        body=Sensitive(msgspec.json.encode(fields)),
    )


def _parameter(value: str) -> tuple[str, object]:
    try:
        decoded = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        parameter = msgspec.json.decode(decoded, type=Parameter)
    except (binascii.Error, ValueError):
        raise InvalidRequest("an inline login parameter is not base64url of JSON") from None
    return parameter.key, parameter.value
