"""Call → Request: method, path, query and body become what the door takes. No decisions.

Source: Vault's HTTP API for `LIST`, `?list=true`, `?help=1` and PUT as POST.
"""

import os
from functools import lru_cache
from urllib.parse import parse_qsl

from strongroom.api.exchange import Call
from strongroom.api.identity import Credentials
from strongroom.errors import InvalidRequest, NotFound, UnsupportedOperation
from strongroom.framework import CanonicalPath, Operation, Request, canonical

PREFIX = b"/v1/"
MAX_PARAMETERS = 100
REMEMBERED = 4096
REMEMBERED_LENGTH = 256
_TRUE = frozenset({"1", "t", "true"})
_METHODS = {
    "GET": Operation.READ,
    "HEAD": Operation.READ,
    "LIST": Operation.LIST,
    "SCAN": Operation.SCAN,
    "POST": Operation.WRITE,
    "PUT": Operation.WRITE,
    "PATCH": Operation.PATCH,
    "DELETE": Operation.DELETE,
}
_FOLDERS = (Operation.LIST, Operation.SCAN)
_PATCH_TYPES = ("application/merge-patch+json", "application/json")


class Identifiers:
    """Random UUIDs, version 4, drawn in batches: a tenth of the cost of the `uuid` module's."""

    BATCH = 256

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def next(self) -> str:
        """One identifier."""
        if self._at >= len(self._digits):
            self._digits, self._at = os.urandom(16 * self.BATCH).hex(), 0
        at, digits = self._at, self._digits
        self._at = at + 32
        return "-".join(
            (
                digits[at : at + 8],
                digits[at + 8 : at + 12],
                "4" + digits[at + 13 : at + 16],
                "a" + digits[at + 17 : at + 20],
                digits[at + 20 : at + 32],
            )
        )


request_id = Identifiers().next


def request_of(call: Call, credentials: Credentials, identifier: str, remote: str) -> Request:
    """Make the request; raises InvalidRequest, NotFound outside `/v1/`, UnsupportedOperation."""
    operation = _METHODS.get(call.method)
    if operation is None:
        raise UnsupportedOperation("unsupported method")
    path = _path(call.path)
    query: dict[str, str] = {}
    if call.query:
        query = _query(call.query)
        if operation is Operation.READ:
            operation = _refined(query)
    body = b""
    if operation is Operation.WRITE or operation is Operation.PATCH:
        if path.endswith("/"):
            raise InvalidRequest("cannot write to a path ending in '/'")
        body, query = call.body, {}
    if operation not in _FOLDERS and path.endswith("/"):
        path = CanonicalPath(path[:-1])
    return Request(
        operation,
        path,
        identifier,
        token=credentials.token,
        namespace=credentials.namespace,
        body=body,
        query=query,
        wrap_ttl=credentials.wrap_ttl,
        remote=remote,
        headers=credentials.passed,
        client_certificate=call.client_certificate,
    )


def patch_type_accepted(call: Call) -> bool:
    """Whether a PATCH says that it is a JSON merge patch (RFC 7396)."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _PATCH_TYPES


def _path(raw: bytes) -> CanonicalPath:
    return _short_path(raw) if len(raw) <= REMEMBERED_LENGTH else _long_path(raw)


def _long_path(raw: bytes) -> CanonicalPath:
    if not raw.startswith(PREFIX) or raw == PREFIX:
        raise NotFound
    return canonical(raw[len(PREFIX) :])


# The same paths are asked for again and again; what is refused is not remembered.
_short_path = lru_cache(REMEMBERED)(_long_path)


def _query(raw: bytes) -> dict[str, str]:
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise InvalidRequest("the query is not UTF-8 or has too many parameters") from None
    return dict(pairs)


def _refined(query: dict[str, str]) -> Operation:
    """A read that asks for help, a list or a scan; the asking parameter is taken out."""
    for name, operation in (("help", Operation.HELP), ("list", Operation.LIST), ("scan", Operation.SCAN)):
        if name in query and query[name].lower() in _TRUE:
            del query[name]
            return operation
    return Operation.READ
