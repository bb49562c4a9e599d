"""Which parts of a program have no text: machine code, unwinding tables, compressed debug records.

Sources: the ELF specification (System V gABI), Apple's `mach-o/loader.h`, Microsoft's "PE Format".
Nothing in a header is believed that does not fit the file: then all of it is scanned.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]  # offset, length: fewer bytes where the file ends
    Span = tuple[int, int]

LEAST = 64 << 10  # bytes of a part that are worth leaving out
MOST = 4096  # sections of a program
HEADERS = 1 << 20  # bytes of load commands
SAMPLE = 4096
LEGIBLE = 0.85  # share of printable bytes from which "code" is text under another name

ELF, PE, FAT = b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe"
MACH = {
    b"\xcf\xfa\xed\xfe": "<",
    b"\xce\xfa\xed\xfe": "<",
    b"\xfe\xed\xfa\xcf": ">",
    b"\xfe\xed\xfa\xce": ">",
}
STARTS = (ELF, PE, FAT, *MACH)

_TABLES = frozenset(
    b"eh_frame eh_frame_hdr gcc_except_tab gcc_except_table unwind_info pdata reloc strtab typelink itablink "
    b"debug_abbrev debug_addr debug_aranges debug_frame debug_info debug_line debug_loc debug_loclists "
    b"debug_ranges debug_rnglists".split()
)
_PRINTS = bytes(range(32, 127))
_GO_LINES = b"gopclntab"
_GO_MAGICS = tuple(bytes([low, 255, 255, 255]) for low in (0xF0, 0xF1, 0xFA, 0xFB))
_SYMBOLS = frozenset((2, 4, 5, 9, 11, 19, 0x6FFFFFF6))  # ELF: symbols, relocations, hash tables
_NOTHING = 8  # ELF: a section that takes no bytes of the file
_EXECUTABLE, _COMPRESSED = 0x4, 0x800  # ELF flags
_INSTRUCTIONS = 0x80000400  # Mach-O: some, or only, instructions
_PE_CODE = 0x20000000


class Section(NamedTuple):
    """A part of a program. `code` may be text all the same: its bytes decide."""

    name: bytes
    start: int
    end: int
    code: bool


def kept(read: Read, size: int) -> list[Span]:
    """Return what to scan of a file that `read` gives the bytes of: all but long parts without text."""
    try:
        sections = sorted(_sections(read, 0, read(0, 64)), key=lambda s: (s.start, s.end))
    except (struct.error, IndexError, OverflowError, OSError):
        return [(0, size)]
    parts = []
    at = last = 0
    for section in sections:
        if section.start < last or section.end > size:  # in each other, or in no file: no linker does that
            return [(0, size)]
        last = section.end
        if section.end - section.start >= LEAST and _is_dull(section, read):
            if section.start > at:
                parts.append((at, section.start))
            at = section.end
    return [*parts, (at, size)] if at < size or not parts else parts


def _is_dull(section: Section, read: Read) -> bool:
    if section.name == _GO_LINES:
        return read(section.start, 4) in _GO_MAGICS
    if not section.code:
        return section.name in _TABLES
    middle = read((section.start + section.end) // 2, SAMPLE)
    return len(middle.translate(None, _PRINTS)) > (1 - LEGIBLE) * len(middle)


def _sections(read: Read, base: int, head: bytes) -> Iterator[Section]:
    if head.startswith(ELF):
        return _of_elf(read, head)
    if head.startswith(PE):
        return _of_pe(read, head)
    if head.startswith(FAT) and not base:
        return _of_fat(read, head)
    if head[:4] in MACH:
        return _of_mach(read, base, head)
    return iter(())


def _of_elf(read: Read, head: bytes) -> Iterator[Section]:
    order = "<" if head[5] == 1 else ">"
    wide = head[4] == 2
    (at,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 40 if wide else 32)
    step, count, names_at = struct.unpack_from(order + "HHH", head, 58 if wide else 46)
    entry = struct.Struct(order + ("IIQQQQ" if wide else "IIIIII"))
    if count > MOST or not entry.size <= step <= SAMPLE:
        return
    table = read(at, count * step)
    headers = [entry.unpack_from(table, n * step) for n in range(count)]
    *_, names_start, names_size = headers[names_at]
    names = read(names_start, min(names_size, HEADERS))
    for place, kind, flags, _, start, size in headers:
        if kind == _NOTHING or not size:
            continue
        name = names[place : names.find(b"\0", place)].lstrip(b".")
        yield Section(
            name, start, start + size, bool(flags & (_EXECUTABLE | _COMPRESSED)) or kind in _SYMBOLS
        )


def _of_pe(read: Read, head: bytes) -> Iterator[Section]:
    (at,) = struct.unpack_from("<I", head, 60)
    coff = read(at, 24)
    if not coff.startswith(b"PE\0\0"):
        return
    count, extra = struct.unpack_from("<H", coff, 6)[0], struct.unpack_from("<H", coff, 20)[0]
    if count > MOST:
        return
    table = read(at + 24 + extra, count * 40)
    rows = [struct.unpack_from("<8sIIIIIIHHI", table, n * 40) for n in range(count)]
    apart = any(row[0].startswith(b".rdata") for row in rows)  # else constants stand among the code
    for name, _, _, size, start, *_, flags in rows:
        if size:
            code = apart and bool(flags & _PE_CODE)
            yield Section(name.rstrip(b"\0").lstrip(b"."), start, start + size, code)


def _of_fat(read: Read, head: bytes) -> Iterator[Section]:
    """A Mach-O file for several processors."""
    (count,) = struct.unpack_from(">I", head, 4)
    if count > 16:  # a Java class begins like this, and has its version here
        return
    table = read(8, count * 20)
    for n in range(count):
        (base,) = struct.unpack_from(">I", table, n * 20 + 8)
        yield from _sections(read, base, read(base, 64)) if base else ()


def _of_mach(read: Read, base: int, head: bytes) -> Iterator[Section]:
    order = MACH[head[:4]]
    wide = head[:4] in (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")
    count, size = struct.unpack_from(order + "II", head, 16)
    commands = read(base + (32 if wide else 28), min(size, HEADERS))
    segment, first = (0x19, 72) if wide else (0x1, 56)
    entry = struct.Struct(order + ("16s16sQQIIIII" if wide else "16s16sIIIIIII"))
    step = 80 if wide else 68
    at = 0
    for _ in range(min(count, MOST)):
        command, length = struct.unpack_from(order + "II", commands, at)
        if command == segment:
            (sections,) = struct.unpack_from(order + "I", commands, at + first - 8)
            for n in range(min(sections, MOST)):
                name, _, _, size, start, *_, flags = entry.unpack_from(commands, at + first + n * step)
                if start:
                    code = bool(flags & _INSTRUCTIONS)
                    yield Section(name.rstrip(b"\0").lstrip(b"_"), base + start, base + start + size, code)
        at += max(length, 8)
