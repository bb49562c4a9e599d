"""The few fields of a log line that devices read."""

import msgspec
from msgspec import Struct

DATAGRAM_BYTES = 60_000  # below what UDP and a local socket carry, headers included


class Head(Struct, frozen=True):
    """Sequence, RFC 3339 time and Vault's entry type; the rest of the line is not read."""

    seq: int
    time: str = ""
    type: str = ""


def head_of(line: bytes) -> Head:
    """The head of a log line."""
    return msgspec.json.decode(line, type=Head)


def fit_datagram(line: bytes) -> bytes:
    """The line, or a note that points to it in the log when it is too long for one packet."""
    if len(line) <= DATAGRAM_BYTES:
        return line
    head = head_of(line)
    note = {"seq": head.seq, "time": head.time, "type": head.type, "truncated": True, "size_bytes": len(line)}
    return msgspec.json.encode(note)
