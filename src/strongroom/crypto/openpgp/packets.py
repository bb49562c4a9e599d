"""Packets and numbers: how OpenPGP lays out bytes.

Source: RFC 9580 §3.2 (numbers), §4.2 (packet headers).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.errors import InvalidRequest

PKESK, SIGNATURE, PUBLIC_KEY, LITERAL, USER_ID, PUBLIC_SUBKEY, SEIPD, MDC = 1, 2, 6, 11, 13, 14, 18, 19
MAX_PACKETS = 1024
MAX_NUMBER_BITS = 16_384


class Malformed(InvalidRequest):
    """The bytes are no OpenPGP key."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet's tag and contents."""

    tag: int
    body: bytes


class Reader:
    """Takes bytes off the front. Raises Malformed when there are too few."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, raw: bytes) -> None:
        self._bytes = raw
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._bytes)

    @property
    def at(self) -> int:
        """How many bytes are taken."""
        return self._at

    def take(self, count: int) -> bytes:
        """The next bytes."""
        taken = self._bytes[self._at : self._at + count]
        if len(taken) != count:
            raise Malformed("the OpenPGP key is cut short")
        self._at += count
        return taken

    def number(self, size: int) -> int:
        """A big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size))

    def mpi(self) -> int:
        """A number with its length in bits before it."""
        bits = self.number(2)
        if bits > MAX_NUMBER_BITS:
            raise Malformed("the OpenPGP key holds a number that is too large")
        return int.from_bytes(self.take((bits + 7) // 8))

    def point(self) -> bytes:
        """A compressed point of a 25519 curve: a number whose first byte is 0x40."""
        raw = self.mpi().to_bytes(33) if self else b""
        if raw[:1] != b"\x40":
            raise Malformed("the OpenPGP key holds a point in an unknown form")
        return raw[1:]


def packets(raw: bytes) -> Iterator[Packet]:
    """The packets of a key. Raises Malformed for what is none, and for lengths that keys never have."""
    reader = Reader(raw)
    count = 0
    while reader:
        count += 1
        head = reader.number(1)
        if not head & 0x80 or count > MAX_PACKETS:
            raise Malformed("these bytes are no OpenPGP key")
        new = head & 0x40
        tag = head & 0x3F if new else head >> 2 & 0x0F
        yield Packet(tag, reader.take(_new_length(reader) if new else _old_length(reader, head & 3)))


def _new_length(reader: Reader) -> int:
    first = reader.number(1)
    if first < 192:
        return first
    if first < 224:
        return ((first - 192) << 8) + reader.number(1) + 192
    if first == 255:
        return reader.number(4)
    raise Malformed("the OpenPGP key has a packet in parts")


def _old_length(reader: Reader, kind: int) -> int:
    if kind == 3:
        raise Malformed("the OpenPGP key has a packet without a length")
    return reader.number(1 << kind)


def packet(tag: int, body: bytes) -> bytes:
    """A packet's bytes, with the five-byte length that fits everything."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4) + body


def mpi(number: int) -> bytes:
    """A number with its length in bits before it."""
    bits = number.bit_length()
    return bits.to_bytes(2) + number.to_bytes((bits + 7) // 8)
