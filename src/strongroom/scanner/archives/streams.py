"""Streams over memory and over compressed streams, counted against a budget."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.scanner.sources.inflate import InflateError, inflater

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

    from strongroom.scanner.archives.budget import Budget

    Reader = io.BufferedReader[Any]  # over any raw stream
    Failure = type[Exception]

CHUNK = 1 << 16
XZ_MEMORY = 256 << 20
ZSTD_WINDOW = 128 << 20


class Damaged(Exception):
    """The archive breaks its format; what came before this point was good."""


class Readable(Protocol):
    """What every stream has in common."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


class Decompressor(Protocol):
    """What `lzma`, `bz2` and our adapters have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of one compressed stream was reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What followed that end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes; the rest waits for the next call with b""."""
        ...


class View(io.RawIOBase):
    """A seekable stream over memory (bytes, a mapped file) that copies nothing."""

    def __init__(self, data: ReadableBuffer) -> None:
        self._view = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def part(self, start: int, size: int) -> memoryview:
        """Return a part of the memory; raises Damaged when it is not all there."""
        part = self._view[start : start + size]
        if start < 0 or len(part) != size:
            raise Damaged("it is cut short")
        return part

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, len(self._view))[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # the stub wants any buffer
        part = self._view[self._at : self._at + len(target)]
        target[: len(part)] = part
        self._at += len(part)
        return len(part)


class Counted(io.RawIOBase):
    """A stream whose bytes are spent from the budget."""

    def __init__(self, source: Readable, budget: Budget, failure: Failure = EOFError) -> None:
        self._source = source
        self._budget = budget
        self._failure = failure

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # the stub wants any buffer
        try:
            data = self._source.read(len(target))
        except self._failure as error:
            raise Damaged("it does not inflate") from error
        self._budget.spend(len(data))
        target[: len(data)] = data
        return len(data)


class Inflated(io.RawIOBase):
    """What a compressed stream inflates to: one stream after another, as `cat a.gz b.gz` makes them."""

    def __init__(
        self, source: Reader, make: Callable[[], Decompressor], budget: Budget, failure: Failure
    ) -> None:
        self._source = source
        self._make = make
        self._budget = budget
        self._failure = failure
        self._inflater: Decompressor | None = make()
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # the stub wants any buffer
        filled = 0
        while filled < len(target) and self._inflater is not None:
            data = self._step(self._inflater, len(target) - filled)
            target[filled : filled + len(data)] = data
            filled += len(data)
        self._budget.spend(filled)
        return filled

    def _step(self, stream: Decompressor, want: int) -> bytes:
        """Return some bytes; none at an end, or when more input is needed."""
        if stream.eof:
            self._next(stream)
            return b""
        given, self._waiting = self._waiting, b""
        try:
            data = stream.decompress(given, want)
        except self._failure as error:
            raise Damaged("it does not inflate") from error
        if not data and not stream.eof:
            self._waiting = self._source.read(CHUNK)
            if not self._waiting:
                raise Damaged("it is cut short")
        return data

    def _next(self, stream: Decompressor) -> None:
        rest = stream.unused_data.lstrip(b"\0") or self._source.read(CHUNK).lstrip(b"\0")
        self._waiting = rest
        self._inflater = self._make() if rest else None


class _Gzip:
    """A gzip decompressor with the shape of `lzma`'s: it keeps what it was not given room for."""

    def __init__(self) -> None:
        self._inflater = inflater(31)

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inflater.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return bytes(self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length))


def inflated(kind: str, source: Reader, budget: Budget) -> Reader:
    """Return a stream of what `source`, compressed as `kind` says, inflates to."""
    if kind == "zstd":
        import zstandard  # noqa: PLC0415

        reader = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_reader(
            source, read_size=CHUNK, read_across_frames=True
        )
        return io.BufferedReader(Counted(reader, budget, zstandard.ZstdError), CHUNK)
    make, failure = _maker(kind)
    return io.BufferedReader(Inflated(source, make, budget, failure), CHUNK)


def _maker(kind: str) -> tuple[Callable[[], Decompressor], Failure]:
    """Return what makes decompressors of a kind, and the error they raise."""
    if kind == "gzip":
        return _Gzip, InflateError
    if kind == "bzip2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2Decompressor, OSError
    import lzma  # noqa: PLC0415

    return lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY), lzma.LZMAError
