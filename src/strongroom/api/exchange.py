"""One HTTP exchange as the API sees it: the call that came in, the answer that goes out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from strongroom.api.identity import Credentials, credentials
from strongroom.framework.again import Again


class Headers(dict[str, str]):
    """Header fields by lower-case name, and what was worked out from them.

    A client on one connection sends the same fields again and again: the
    connection keeps this object while they do not change, so `credentials`
    is worked out once and not per request.
    """

    @cached_property
    def credentials(self) -> Credentials:
        """Token, namespace and the other fixed parts; raises InvalidRequest for malformed ones."""
        return credentials(self)


@dataclass(slots=True)
class Call:
    """A complete HTTP request: `path` and `query` are as sent, still percent-encoded."""

    method: str
    path: bytes
    query: bytes
    headers: Headers
    body: bytes = b""
    peer: str = ""
    client_certificate: bytes = b""


class Repeatable(NamedTuple):
    """How to make an answer one that can be given again, and the request id it was first given under."""

    identifier: str
    make: Callable[[], Again | None]


@dataclass(slots=True)
class Answer:
    """A complete HTTP response. `headers` come besides the ones that every answer has.

    With `again`, a call that says exactly the same may be given the same.
    """

    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())
    again: Repeatable | None = None
