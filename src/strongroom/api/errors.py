"""The one table from the error tree to HTTP, and the error body.

Source: Vault's HTTP API: `{"errors": ["…"]}`, empty where nothing is stored.
"""

import msgspec

from strongroom.api.exchange import Answer
from strongroom.api.render import render
from strongroom.errors import (
    AuditFailed,
    IntegrityFailure,
    InvalidRequest,
    NotFound,
    NotInitialized,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    Sealed,
    StrongroomError,
    TooLarge,
    Unavailable,
    UnsupportedOperation,
    UpstreamFailed,
)
from strongroom.framework import Response

STATUS: dict[type, int] = {
    InvalidRequest: 400,
    PermissionDenied: 403,
    NotFound: 404,
    UnsupportedOperation: 405,
    PreconditionFailed: 412,
    TooLarge: 413,
    RateLimited: 429,
    AuditFailed: 500,
    IntegrityFailure: 500,
    NotInitialized: 501,
    UpstreamFailed: 502,
    Sealed: 503,
    Unavailable: 503,
}


def status_of(error: BaseException) -> int:
    """The status of the nearest class in the table; 500 when none is."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def refusal(status: int, *messages: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """An answer with Vault's error body."""
    return Answer(status, msgspec.json.encode({"errors": messages}), headers=headers)


def answer_for(error: StrongroomError, request_id: str) -> Answer:
    """The answer to an error raised on purpose; its message is fit for the caller."""
    status = status_of(error)
    if isinstance(error, NotFound) and (error.data is not None or error.warnings):
        return render(Response(error.data, warnings=error.warnings, status=status), request_id)
    message = str(error)
    headers: tuple[tuple[bytes, bytes], ...] = ((b"x-request-id", request_id.encode("ascii")),)
    if isinstance(error, RateLimited):
        headers += ((b"retry-after", b"%d" % error.retry_after),)
    return refusal(status, *((message,) if message else ()), headers=headers)
