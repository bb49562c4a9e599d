"""What comes in: one Request, decided at the edge and never looked at raw again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from strongroom.errors import InvalidRequest
from strongroom.framework.path import CanonicalPath
from strongroom.sensitive import Sensitive

MAX_DEPTH = 100


class Operation(StrEnum):
    """What is asked of a path. A write becomes create or update when the route can tell."""

    READ = "read"
    LIST = "list"
    SCAN = "scan"
    WRITE = "write"
    PATCH = "patch"
    DELETE = "delete"
    HELP = "help"

    # Enum's own hash is a call of Python for each look-up in a table, several times a request.
    __hash__ = str.__hash__


@dataclass(slots=True)
class Request:
    """One request at the door.

    `body` is the JSON as sent (empty when none), `query` the query parameters
    of a read, list or delete; `fields` is both, decoded on first use.
    `wrap_ttl` is in seconds, 0 for an unwrapped answer. `headers` holds only
    those the door needs (lower case names). `remote` is the client's address.
    `answer_headers` go out with the answer, whatever it is.
    `namespace` is a path without slashes at its ends; `path` is inside it. The door moves
    segments of `path` that name a namespace over to it.
    """

    operation: Operation
    path: CanonicalPath
    id: str
    token: Sensitive[str] | None = None
    namespace: str = ""
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)
    wrap_ttl: int = 0
    remote: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    client_certificate: bytes = b""
    answer_headers: tuple[tuple[bytes, bytes], ...] = ()
    _fields: dict[str, Any] | None = None

    @property
    def whole_path(self) -> str:
        """The path from the root namespace: what policies are about."""
        return f"{self.namespace}/{self.path}" if self.namespace else self.path

    @property
    def fields(self) -> dict[str, Any]:
        """Query parameters overlaid by the JSON body's members.

        Raises InvalidRequest, without the input, when the body is no JSON object.
        """
        if self._fields is None:
            self._fields = {**self.query, **decode_object(self.body)} if self.body else dict(self.query)
        return self._fields


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object; integers of any size stay exact, `null` is an empty one.

    Raises InvalidRequest when it is malformed, not an object or nested over 100 levels.
    """
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise InvalidRequest(f"JSON is nested deeper than {MAX_DEPTH} levels")
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("failed to parse JSON input") from None
    if decoded is None:  # what Go's client sends for no fields
        return {}
    if not isinstance(decoded, dict):
        raise InvalidRequest("failed to parse JSON input: an object is expected")
    return decoded


def _depth(body: bytes) -> int:
    """The deepest nesting of a JSON text, counted outside strings; stops just past the limit."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif byte in b"]}":
            depth -= 1
    return deepest
