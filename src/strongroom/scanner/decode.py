"""Make every blob scannable text: UTF-8 as it is, other encodings decoded, binaries by what prints.

Most blobs are plain text: for them this costs one search for a zero byte and
one comparison of the beginning.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from strongroom.scanner import executables
from strongroom.scanner.archives.kinds import HEAD, STARTS, sniff
from strongroom.scanner.blob import PRINTABLE, Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from strongroom.scanner.limits import Limits

BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
MARKS = (b"\xff\xfe", b"\xfe\xff")
OPEN = (*STARTS, *MARKS)
GROUP, LARGE, MANY = 1 << 20, 256 << 10, 256  # bytes and texts of a group, bytes of a text scanned alone
WIDE = (("utf-32-le", (0,)), ("utf-32-be", (3,)), ("utf-16-le", (0, 2)), ("utf-16-be", (1, 3)))
SAMPLE = 2048
WIDE_RUN = 8  # characters of UTF-16 that make a string worth scanning in a binary
WIDE_KINDS = bytes(1 if 32 <= c < 127 else 2 if c else 0 for c in range(256))
# ELF, Mach-O and Java, WebAssembly, Python bytecode: they come from where strings are UTF-8.
NARROW = (
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\x00asm",
    b"\xa7\x0d\x0d\x0a",
    b"\xcb\x0d\x0d\x0a",
)
WIDE_PAIR = b"\1\0"
WIDE_SEED = WIDE_PAIR * WIDE_RUN


def is_plain(blob: Blob) -> bool:
    """Whether a blob is UTF-8 text as it is, or might be: it opens to nothing, and has no zero byte."""
    data = blob.data
    head = data if isinstance(data, bytes) else data[:HEAD]
    return not head.startswith(OPEN) and not blob.provenance.name.endswith(".ipynb") and 0 not in data


def gather(blobs: Iterable[Blob], *, together: bool) -> Iterator[list[Blob]]:
    """Yield plain texts in groups, if `together`, and any other blob alone, in their order."""
    group: list[Blob] = []
    size = 0
    for blob in blobs:
        length = len(blob.data)
        if not together or length > LARGE or blob.own_end >= 0 or not is_plain(blob):
            if group:
                yield group
                group, size = [], 0
            yield [blob]
            continue
        group.append(blob)
        size += length
        if size > GROUP or len(group) == MANY:
            yield group
            group, size = [], 0
    if group:
        yield group


def expand(blob: Blob, limits: Limits, warn: Callable[[str], None]) -> Iterator[Blob]:
    """Yield `blob` as text, and the texts of what it holds. What cannot be read is told to `warn`."""
    if is_plain(blob):
        yield blob
    elif is_whole(blob) and sniff(blob.data[:HEAD], blob.provenance.name):
        from strongroom.scanner.archives.opening import open_blob  # noqa: PLC0415 (only for archives)

        yield from open_blob(blob, limits, warn)
    else:
        yield from text(blob)


def is_whole(blob: Blob) -> bool:
    """Whether a blob is all of its file, and not a piece of a huge one."""
    return not blob.offset and not blob.own and blob.own_end in (-1, len(blob.data))


def text(blob: Blob) -> Iterator[Blob]:
    """Yield a blob that is no container as text; a binary may give its wide strings as a second one."""
    data = bytes(blob.data)
    if 0 not in data and not data.startswith(MARKS):
        yield blob
        return
    encoding = wide_encoding(data)
    if encoding:
        yield _decoded(blob, data, encoding)
        return
    parts = _parts(blob, data)
    yield from parts or [_like(blob, data, binary=True)]
    if not (blob.head or data).startswith(NARROW):
        texts = [wide_strings(bytes(part.data)) for part in parts] or [wide_strings(data)]
        if wide := b"\n".join(filter(None, texts)):
            yield Blob(blob.id, wide, blob.provenance.within("UTF-16 strings"))


def _parts(blob: Blob, data: bytes) -> list[Blob]:
    """The parts of a program that may hold text; [] for what is scanned whole."""
    if not data.startswith(executables.STARTS) or len(data) < executables.LEAST or not is_whole(blob):
        return []
    spans = executables.kept(lambda at, length: data[at : at + length], len(data))
    if spans == [(0, len(data))]:
        return []
    return [
        Blob(
            blob.id,
            data[low:high],
            blob.provenance,
            offset=low,
            line=partial(_lines, data, low),
            binary=True,
        )
        for low, high in spans
    ]


def _lines(data: bytes, end: int) -> int:
    """How many lines of a binary end before `end`."""
    return data[:end].translate(PRINTABLE).count(b"\n")


def wide_encoding(data: bytes) -> str:
    """Return the UTF-16 or UTF-32 encoding of `data`, by its mark or by where its zero bytes stand."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding
    for sample in _samples(data):
        encoding = _by_zeros(sample)
        if not encoding or not _reads_as_text(sample.decode(encoding, "replace")):
            return ""
    return encoding


def _samples(data: bytes) -> Iterator[bytes]:
    """Yield the beginning and the end: a table of numbers at one end is no text."""
    length = min(SAMPLE, len(data) & ~3)
    yield data[:length]
    yield data[(len(data) & ~3) - length : len(data) & ~3]


def _by_zeros(sample: bytes) -> str:
    """Return the encoding whose high bytes would stand where the zero bytes of `sample` do."""
    quarter = len(sample) // 4
    if not quarter or 0 not in sample:
        return ""
    zeros = [sample[place::4].count(0) / quarter for place in range(4)]
    for encoding, full in WIDE:
        empty = [place for place in range(4) if place not in full]
        if all(zeros[p] > 0.6 for p in empty) and all(zeros[p] < 0.1 for p in full):
            return encoding
    return ""


def _reads_as_text(sample: str) -> bool:
    return sum(c.isprintable() or c in "\t\r\n\ufeff" for c in sample) >= 0.95 * len(sample)


def wide_strings(data: bytes) -> bytes:
    """Return the runs of printable UTF-16 (little-endian) in a binary, a line each.

    They are sought in a translation, by a plain search: `re` alone takes fifteen times as long.
    """
    kinds = data.translate(WIDE_KINDS)
    runs = []
    at = kinds.find(WIDE_SEED)
    while at >= 0:
        end = at + len(WIDE_SEED)
        while kinds.startswith(WIDE_PAIR, end):
            end += 2
        runs.append(data[at:end:2])
        at = kinds.find(WIDE_SEED, end)
    return b"\n".join(runs)


def _decoded(blob: Blob, data: bytes, encoding: str) -> Blob:
    """Decode, without the mark at the beginning; a piece of a huge file keeps the part it owns."""
    mark = next((len(m) for m, name in BOMS if name == encoding and data.startswith(m)), 0)
    width = 4 if "32" in encoding else 2
    own, end = blob.own // width * width, blob.own_end // width * width
    before = data[mark:own].decode(encoding, "replace").encode("utf-8", "replace")
    owned = data[max(own, mark) :] if blob.own_end < 0 else data[max(own, mark) : end]
    inside = owned.decode(encoding, "replace").encode("utf-8", "replace")
    after = b"" if blob.own_end < 0 else data[end:].decode(encoding, "replace").encode("utf-8", "replace")
    new = _like(blob, before + inside + after)
    new.own = len(before)
    new.own_end = -1 if blob.own_end < 0 else len(before) + len(inside)
    return new


def _like(blob: Blob, data: bytes, *, binary: bool = False) -> Blob:
    return Blob(
        blob.id,
        data,
        blob.provenance,
        offset=blob.offset,
        line=blob.line,
        own=blob.own,
        own_end=blob.own_end,
        binary=binary,
    )
