"""Walk the members of archives that are read from front to back: tar, ar, cpio.

Sources: POSIX.1-2024 pax and ustar, the GNU tar manual (long names, sparse
files, numbers in base 256), `ar(5)`, `cpio(5)` in the new ASCII format. Each
walker yields a member's name and size with the stream standing at its first
byte; what the reader leaves of it is skipped.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from strongroom.scanner.archives.streams import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.archives.streams import Reader

BLOCK = 512
HEADER_BYTES = 1 << 20  # longest pax header or name that is believed
STEP = 1 << 16


class Span(io.RawIOBase):
    """The next `size` bytes of a stream, as a stream of their own."""

    def __init__(self, source: Reader, size: int) -> None:
        self._source = source
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # the stub wants any buffer
        data = self.read(len(target))
        target[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; raises Damaged when the archive ends before the member does."""
        want = self.left if size < 0 else min(size, self.left)
        data = self._source.read(want)
        self.left -= len(data)
        if len(data) < want:
            raise Damaged("it is cut short")
        return data

    def skip(self, padding: int = 0) -> None:
        """Pass over what is left, and the padding, which writers forget at the end of an archive."""
        while self.left:
            self.read(min(self.left, STEP))
        self._source.read(padding)


def tar(source: Reader) -> Iterator[tuple[str, Span]]:
    """Yield the regular files of a tar stream; links, folders and devices have no content."""
    name = ""
    size = -1
    while len(header := source.read(BLOCK)) == BLOCK and header.strip(b"\0"):
        kind = header[156:157]
        span = Span(source, _number(header[124:136]) if size < 0 or kind in b"LKxg" else size)
        padding = -span.left % BLOCK
        if kind in (b"L", b"x"):
            found, found_size = _extended(kind, _short(span))
            name = found or name
            size = found_size if found_size >= 0 else size
            span.skip(padding)
            continue
        if kind == b"S":
            _pass_sparse_map(source, header)
        if kind in (b"0", b"\0", b"7", b"S"):
            yield name or _tar_name(header), span
        span.skip(padding)
        if kind not in (b"K", b"g"):
            name, size = "", -1


def _short(span: Span) -> bytes:
    if span.left > HEADER_BYTES:
        raise Damaged("a header is too long")
    return span.read()


def _extended(kind: bytes, data: bytes) -> tuple[str, int]:
    """Return the name ("": none) and size (-1: none) that a long-name or pax header gives the next member."""
    if kind == b"L":
        return _text(data.split(b"\0", 1)[0]), -1
    name, size = "", -1
    while data:
        length, _, _ = data.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(data):
            break
        record, data = data[len(length) + 1 : int(length)], data[int(length) :]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        if key in (b"path", b"GNU.sparse.name"):
            name = _text(value)
        elif key == b"size" and value.isdigit():
            size = int(value[:20])
    return name, size


def _tar_name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _pass_sparse_map(source: Reader, header: bytes) -> None:
    """Pass over the blocks that tell where the parts of an old GNU sparse file stand."""
    more = header[482]
    while more:
        block = source.read(BLOCK)
        if len(block) < BLOCK:
            raise Damaged("it is cut short")
        more = block[504]


def _number(field: bytes) -> int:
    """Return an octal field, or one in base 256 (first bit set)."""
    if field[:1] >= b"\x80":
        return int.from_bytes(field[1:], "big") if field[:1] == b"\x80" else 0
    digits = field.split(b"\0", 1)[0].strip()
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise Damaged("a size is no number") from None


def ar(source: Reader) -> Iterator[tuple[str, Span]]:
    """Yield the members of an ar archive (Debian packages, static libraries)."""
    source.read(8)
    names = b""
    while len(header := source.read(60)) == 60:
        if header[58:] != b"`\n" or not header[48:58].strip().isdigit():
            raise Damaged("a header is damaged")
        size = int(header[48:58])
        span = Span(source, size)
        name = header[:16].rstrip()
        if name == b"//":
            names = _short(span)
        elif name.startswith(b"#1/") and name[3:].isdigit():
            yield _text(span.read(min(int(name[3:]), HEADER_BYTES)).rstrip(b"\0")), span
        elif name[:1] == b"/" and name[1:].isdigit():
            yield _text(names[int(name[1:]) :].split(b"/\n", 1)[0]), span
        elif name not in (b"/", b"/SYM64/"):
            yield _text(name.removesuffix(b"/")), span
        span.skip()
        if size % 2:
            source.read(1)


def cpio(source: Reader) -> Iterator[tuple[str, Span]]:
    """Yield the regular files of a cpio archive in the new ASCII format (RPM payloads, initramfs)."""
    while len(header := source.read(110)) == 110:
        try:
            mode, size, length = (int(header[at : at + 8], 16) for at in (14, 54, 94))
        except ValueError:
            raise Damaged("a header is damaged") from None
        if header[:5] != b"07070" or length > HEADER_BYTES:
            raise Damaged("a header is damaged")
        name = source.read(length + -(110 + length) % 4)[: length - 1]
        if name == b"TRAILER!!!":
            return
        span = Span(source, size)
        if mode & 0o170000 == 0o100000:
            yield _text(name), span
        span.skip(-size % 4)


def rpm_payload(source: Reader) -> None:
    """Advance an RPM to its compressed payload: past the lead and two headers.

    Source: the RPM reference manual, "Package format" (version 3 and 4 files).
    """
    source.read(96)
    for padded in (True, False):
        intro = source.read(16)
        if intro[:3] != b"\x8e\xad\xe8":
            raise Damaged("a header is damaged")
        size = 16 * int.from_bytes(intro[8:12], "big") + int.from_bytes(intro[12:16], "big")
        Span(source, size).skip(-size % 8 if padded else 0)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
