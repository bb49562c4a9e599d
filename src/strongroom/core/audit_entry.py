"""The parts of an audit entry: bytes, put together once and used again."""

from typing import Any, TypeVar

import msgspec

from strongroom.errors import StrongroomError
from strongroom.framework import Mount, Request

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_REMEMBERED = 1024
_REMEMBERED_BYTES = 512


Form = tuple[bytes, bytes]
"""An entry but for its time and its request's id: what stands before the id, and what behind it."""


def entry_of(form: Form, time: bytes, identifier: bytes) -> bytes:
    """The whole entry; `identifier` is JSON."""
    return b'{"time":"%b%b%b%b' % (time, form[0], identifier, form[1])


def namespace_of(request: Request, mount: Mount | None) -> dict[str, str]:
    """What entries say of a request's namespace."""
    if not request.namespace:
        return {"id": "root"}
    return {"id": mount.namespace if mount else "", "path": f"{request.namespace}/"}


def members(fields: dict[str, Any]) -> bytes:
    """The members of a JSON object, without its braces."""
    return _encode(fields)[1:-1]


def failed(outcome: bytes, error: StrongroomError) -> bytes:
    """An outcome, and the error it ended with."""
    return b'%b,"error":%b' % (outcome, _encode(f"{type(error).__name__}: {error}"))


def remember(known: dict[T, bytes], key: T, made: bytes) -> None:
    """Keep what is short, a bounded number of times."""
    if len(made) <= _REMEMBERED_BYTES:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = made
