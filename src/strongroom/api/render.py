"""Response → Vault's JSON.

Source: Vault's HTTP API; clients compare field names, nulls and `Content-Type` literally.
"""

from typing import Any

import msgspec
from msgspec import Struct

from strongroom.api.exchange import Answer
from strongroom.framework import Response
from strongroom.framework.envelope import envelope

_encode = msgspec.json.Encoder().encode


def render(response: Response, request_id: str) -> Answer:
    """The HTTP form of a response: raw, bare, empty, doubled or in the envelope."""
    if response.raw is not None:
        return Answer(response.status or 200, response.raw.body, response.raw.content_type.encode("latin-1"))
    if response.bare:
        return Answer(response.status or 200, response.encoded or _encode(response.data))
    if _is_empty(response):
        return Answer(response.status or 204)
    if not response.request_id:
        response.request_id = request_id
    body = envelope(response)
    if response.doubled:
        body = {**_members(response.data), **body}
    return Answer(response.status or 200, _encode(body))


def _is_empty(response: Response) -> bool:
    return (
        response.data is None
        and response.auth is None
        and response.wrap is None
        and response.lease is None
        and not response.warnings
    )


def _members(value: Any) -> dict[str, Any]:
    """The top-level members of a dict or struct; values stay as they are."""
    if isinstance(value, Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return dict(value or {})
