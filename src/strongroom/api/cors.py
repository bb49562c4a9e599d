"""Cross-origin requests, as `sys/config/cors` allows them.

Source: the Fetch standard; Vault's answers for a foreign origin and for preflights.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from strongroom.api.errors import refusal
from strongroom.api.exchange import Answer, Call

METHODS = b"DELETE, GET, OPTIONS, POST, PUT, LIST, SCAN, PATCH"
STANDARD_HEADERS = (
    "Content-Type",
    "X-Requested-With",
    "X-Vault-Token",
    "X-Vault-Namespace",
    "X-Vault-Wrap-Format",
    "X-Vault-Wrap-TTL",
    "X-Vault-Policy-Override",
    "Authorization",
)


class Settings(Protocol):
    """What the operator allows; `*` among the origins is any."""

    @property
    def enabled(self) -> bool: ...
    @property
    def allowed_origins(self) -> Collection[str]: ...
    @property
    def allowed_headers(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Disabled:
    """No cross-origin request gets a header."""

    enabled: bool = False
    allowed_origins: tuple[str, ...] = ()
    allowed_headers: tuple[str, ...] = ()


def preflight(call: Call, settings: Settings) -> Answer | None:
    """The answer to a preflight or to a foreign origin; None when the call goes on."""
    if not settings.enabled:
        return None
    if not _allowed(call, settings):
        return refusal(403, "origin not allowed")
    if call.method != "OPTIONS" or "access-control-request-method" not in call.headers:
        return None
    names = dict.fromkeys((*STANDARD_HEADERS, *settings.allowed_headers))
    headers = (
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", ", ".join(names).encode("latin-1")),
        (b"access-control-max-age", b"300"),
    )
    return with_origin(Answer(204, headers=headers), call, settings)


def with_origin(answer: Answer, call: Call, settings: Settings) -> Answer:
    """The answer with the headers that let the calling page read it."""
    if not settings.enabled:
        return answer
    origin = call.headers["origin"].encode("latin-1")
    return replace(
        answer, headers=(*answer.headers, (b"access-control-allow-origin", origin), (b"vary", b"Origin"))
    )


def _allowed(call: Call, settings: Settings) -> bool:
    return "*" in settings.allowed_origins or call.headers["origin"] in settings.allowed_origins
