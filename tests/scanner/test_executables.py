"""Parts of programs that have no text are left out, and nothing that has."""

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.scanner import executables, rules, scan
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.decode import expand
from strongroom.scanner.limits import OVERLAP, PIECE, Limits
from strongroom.scanner.sources.files import FilesSource

CODE = random.Random(5).randbytes(1 << 20)
TOKEN = b"glpat-Rdzh1wjwizLNQwUYirhD"
SECRETS = b"\0" * 40 + b'token = "' + TOKEN + b'"\0' * 9
AFTER = b"appended " * 100

Parts = list[tuple[bytes, bytes, bool]]  # name, bytes, whether it is code


def elf(parts: Parts, order: str = "<", wide: bool = True) -> bytes:
    """An ELF file with these sections, then its table of sections."""
    names = b"\0" + b"\0".join(b"." + name for name, _, _ in parts) + b"\0.shstrtab\0"
    form, head_size = (order + "IIQQQQIIQQ", 64) if wide else (order + "IIIIIIIIII", 52)
    at = head_size
    rows = [struct.pack(form, *[0] * 10)]
    for name, content, code in [*parts, (b"shstrtab", names, False)]:
        flags = 4 if code else 0
        kind = 3 if name == b"shstrtab" else 1
        rows.append(struct.pack(form, names.index(b"." + name), kind, flags, 0, at, len(content), 0, 0, 1, 0))
        at += len(content)
    tail = (0, head_size, 0, 0, len(rows[0]), len(rows), len(rows) - 1)
    head = struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), 2, 62, 1, 0, 0, at, *tail)
    magic = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    return magic + head + b"".join(content for _, content, _ in parts) + names + b"".join(rows)


def pe(parts: Parts) -> bytes:
    """A PE file with these sections."""
    at = 64 + 24 + 40 * len(parts)
    rows = []
    for name, content, code in parts:
        size = len(content)
        flags = 0x60000020 if code else 0x40000040
        rows.append(struct.pack("<8sIIIIIIHHI", b"." + name, size, at, size, at, 0, 0, 0, 0, flags))
        at += size
    head = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(parts), 0, 0, 0, 0, 0x22)
    return head + coff + b"".join(rows) + b"".join(content for _, content, _ in parts)


def macho(parts: Parts) -> bytes:
    """A Mach-O file of one segment with these sections."""
    length = 72 + 80 * len(parts)
    at = 32 + length
    rows = []
    for name, content, code in parts:
        flags = 0x80000400 if code else 0
        place = (0, len(content), at, 0, 0, 0, flags, 0, 0, 0)
        rows.append(struct.pack("<16s16sQQIIIIIIII", b"__" + name, b"__TEXT", *place))
        at += len(content)
    segment = struct.pack("<II16sQQQQiiII", 0x19, length, b"__TEXT", 0, at, 0, at, 7, 5, len(parts), 0)
    head = b"\xcf\xfa\xed\xfe" + struct.pack("<iiIIIII", 0x01000007, 3, 2, 1, length, 0, 0)
    return head + segment + b"".join(rows) + b"".join(content for _, content, _ in parts)


def fat(parts: Parts) -> bytes:
    """A Mach-O file for two processors."""
    one = macho(parts)
    rows = [(7, 3, 4096, len(one), 12), (12, 0, 4096 + len(one), len(one), 12)]
    head = b"\xca\xfe\xba\xbe" + struct.pack(">I", 2) + b"".join(struct.pack(">IIIII", *row) for row in rows)
    return head.ljust(4096, b"\0") + one + one


MAKERS = {
    "elf": elf,
    "elf of 32 bits": lambda parts: elf(parts, wide=False),
    "elf, high byte first": lambda parts: elf(parts, ">"),
    "pe": pe,
    "mach-o": macho,
    "mach-o for two processors": fat,
}


def kept(data: bytes) -> bytes:
    spans = executables.kept(lambda at, length: data[at : at + length], len(data))
    assert spans == sorted(spans)
    assert all(0 <= low < high <= len(data) for low, high in spans)
    return b"".join(data[low:high] for low, high in spans)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_code_is_left_out_and_constants_are_not(make: Callable[[Parts], bytes]) -> None:
    data = make([(b"text", CODE, True), (b"rdata", SECRETS, False)]) + AFTER
    left = kept(data)
    assert len(left) < len(data) - len(CODE) + 1
    assert left.count(TOKEN) == data.count(TOKEN)
    assert left.endswith(AFTER)


def test_tables_of_a_go_program_and_compressed_records_are_left_out() -> None:
    lines = b"\xf1\xff\xff\xff" + CODE
    data = elf([(b"gopclntab", lines, False), (b"rodata", SECRETS, False), (b"debug_info", CODE, False)])
    assert len(kept(data)) < 2000


def test_text_under_another_name_is_kept() -> None:
    text = b'password = "x7Kd93kd0LmQ"\n' * 10_000
    data = elf([(b"text", text, True), (b"gopclntab", text, False), (b"rodata", SECRETS, False)])
    assert kept(data) == data
    no_constants = pe([(b"text", CODE, True), (b"data", SECRETS, False)])
    assert kept(no_constants) == no_constants


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_header_that_does_not_fit_leaves_nothing_out(make: Callable[[Parts], bytes]) -> None:
    data = make([(b"text", CODE, True), (b"rdata", SECRETS, False)])
    cut = data[:100_000]
    assert kept(cut) == cut


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_any_header_is_survived(make: Callable[[Parts], bytes]) -> None:
    dice = random.Random(3)
    data = make([(b"text", CODE[: executables.LEAST], True), (b"rdata", SECRETS, False)])
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(600) if dice.random() < 0.7 else dice.randrange(len(data))] = (
                dice.randrange(256)
            )
        kept(bytes(broken))


def test_sections_in_each_other_leave_nothing_out() -> None:
    data = bytearray(elf([(b"text", CODE, True), (b"rodata", SECRETS, False)]))
    row = len(data) - 2 * 64  # of the second section
    struct.pack_into("<Q", data, row + 24, 200)
    assert kept(bytes(data)) == data


def test_a_table_beyond_any_file_is_survived(tmp_path: Path) -> None:
    data = bytearray(elf([(b"rodata", SECRETS, False)]) + bytes(PIECE + OVERLAP))
    data[40:48] = b"\xff" * 8  # where the table of sections stands
    path = tmp_path / "app"
    path.write_bytes(data)
    report = scan.scan(FilesSource([str(path)]), rules.load())
    assert [finding.detector.id for finding in report.findings] == ["gitlab.personal_access_token"]
    assert report.warnings == []


def test_a_program_in_an_archive_or_a_commit_is_read_in_parts() -> None:
    data = elf([(b"text", CODE, True), (b"rodata", SECRETS, False)]) + AFTER
    parts = list(expand(Blob("", data, Provenance("app")), Limits(), print))
    assert sum(len(part.data) for part in parts) < len(data) - len(CODE) + 1
    place = data.index(TOKEN)
    (holder,) = [part for part in parts if part.offset <= place < part.offset + len(part.data)]
    assert holder.data[place - holder.offset :].startswith(TOKEN)


def test_a_huge_program_is_read_in_parts(tmp_path: Path) -> None:
    size = PIECE + OVERLAP + 1
    code = (CODE * (size // len(CODE) + 1))[:size]
    path = tmp_path / "app"
    path.write_bytes(elf([(b"text", code, True), (b"rodata", SECRETS, False), (b"init", code, True)]) + AFTER)
    source = FilesSource([str(path)])
    read = sum(blob.own_end - blob.own for shard in source.shards(2) for blob in shard())
    assert read < 10_000
    report = scan.scan(FilesSource([str(path)]), rules.load())
    (finding,) = report.findings
    (occurrence,) = finding.occurrences
    assert path.read_bytes()[occurrence.start : occurrence.end] == TOKEN
