"""What a connection may take: bytes and seconds, with the defaults that docs/configuration.md lists."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: times in seconds, sizes in bytes."""

    handshake_seconds: Positive = 10
    header_seconds: Positive = 10
    body_seconds: Positive = 30
    idle_seconds: Positive = 300
    request_seconds: Positive = 90
    write_seconds: Positive = 30
    drain_seconds: Annotated[int, Meta(ge=1, le=20)] = 18
    header_bytes: Positive = 64 * 1024
    body_bytes: Positive = 32 * 1024 * 1024
    login_body_bytes: Positive = 64 * 1024
    buffered_bytes: Positive = 256 * 1024 * 1024
    connections: Positive = 20_000
