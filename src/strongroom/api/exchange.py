"""One HTTP exchange as the API sees it: the call that came in, the answer that goes out."""

from dataclasses import dataclass, field
from functools import cached_property

from strongroom.api.identity import Credentials, credentials


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


@dataclass(slots=True)
class Answer:
    """A complete HTTP response. `headers` come besides the ones that every answer has."""

    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())
