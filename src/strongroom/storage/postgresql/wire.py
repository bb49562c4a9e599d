"""Parameters and rows in PostgreSQL's binary format. Source: PostgreSQL's protocol and `array_send`.

Every statement answers rows of the same four columns: seq bigint, key bytea, value bytea, shape boolean.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from psycopg.pq.abc import PGresult

BYTEA, INT4 = 17, 23
_ARRAY = struct.Struct("!iiiii")
_NULL = b"\xff\xff\xff\xff"


class Row(NamedTuple):
    """One row; what its columns mean depends on the statement."""

    seq: int | None
    key: bytes | None
    value: bytes | None
    shape: bool | None


def integer(number: int) -> bytes:
    """A bigint."""
    return number.to_bytes(8, signed=True)


def integers(numbers: Sequence[int]) -> bytes:
    """An integer[]."""
    return _array(INT4, [number.to_bytes(4, signed=True) for number in numbers])


def byteas(values: Sequence[bytes | None]) -> bytes:
    """A bytea[]; None is NULL."""
    return _array(BYTEA, values)


def _array(kind: int, values: Sequence[bytes | None]) -> bytes:
    if not values:
        return struct.pack("!iii", 0, 0, kind)
    head = _ARRAY.pack(1, int(None in values), kind, len(values), 1)
    return head + b"".join(_NULL if value is None else len(value).to_bytes(4) + value for value in values)


def rows(result: PGresult) -> Iterator[Row]:
    """The rows of an answer."""
    get = result.get_value
    for number in range(result.ntuples):
        seq, shape = get(number, 0), get(number, 3)
        yield Row(
            None if seq is None else int.from_bytes(seq, signed=True),
            get(number, 1),
            get(number, 2),
            None if shape is None else shape == b"\x01",
        )
