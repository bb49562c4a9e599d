"""Zip archives and what is built on them: jar, war, whl, apk, office documents."""

from __future__ import annotations

import io
import lzma
import zipfile
from typing import TYPE_CHECKING

from strongroom.scanner.archives.documents import is_office_text, xml_text
from strongroom.scanner.archives.opening import BROKEN, said, shown
from strongroom.scanner.archives.streams import CHUNK, Counted, View
from strongroom.scanner.blob import Blob
from strongroom.scanner.sources.inflate import crc32, inflater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.archives.opening import Opener
    from strongroom.scanner.archives.streams import Reader
    from strongroom.scanner.blob import Provenance

AT_ONCE = 8 << 20  # bytes of a member that is inflated in one step
ENCRYPTED = 1  # bit 0 of a member's flags
FAILURES = (*BROKEN, zipfile.BadZipFile, zipfile.LargeZipFile, lzma.LZMAError)


def open_zip(opener: Opener, stream: Reader, provenance: Provenance, depth: int) -> Iterator[Blob]:
    """Yield the texts of each member; a member that cannot be read does not hide the next."""
    try:
        archive = zipfile.ZipFile(stream)
    except zipfile.BadZipFile:
        opener.warn(provenance, "damaged: the list of members cannot be read")
        return
    office = any(name in archive.NameToInfo for name in ("[Content_Types].xml", "mimetype"))
    locked = 0
    for info in archive.infolist():
        opener.budget.member()
        if info.is_dir() or not info.file_size:
            continue
        if info.flag_bits & ENCRYPTED:
            locked += 1
            continue
        at = provenance.within(shown(info.filename))
        try:
            with _member(opener, archive, stream, info, at) as member:
                if office and is_office_text(info.filename):
                    yield Blob(opener.id, xml_text(opener.whole(member)), at)
                else:
                    yield from opener.open(member, at, depth + 1)
        except FAILURES as error:
            opener.warn(at, f"damaged or not readable: {said(error)}")
    if locked:
        opener.warn(provenance, f"{locked} encrypted members are not read")


def _member(
    opener: Opener, archive: zipfile.ZipFile, stream: Reader, info: zipfile.ZipInfo, at: Provenance
) -> Reader:
    """Open a member: at once where that is possible (small and in memory), otherwise as a stream."""
    direct = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and info.file_size <= AT_ONCE
    if not direct or not isinstance(stream.raw, View):
        return io.BufferedReader(Counted(archive.open(info), opener.budget), CHUNK)
    opener.budget.spend(info.file_size)
    head = stream.raw.part(info.header_offset, 30)
    names = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    data = bytes(stream.raw.part(info.header_offset + 30 + names, info.compress_size))
    if info.compress_type == zipfile.ZIP_DEFLATED:
        data = inflater(-15).decompress(data, info.file_size)
    if len(data) != info.file_size or crc32(data) != info.CRC:
        opener.warn(at, "does not match its checksum")
    return io.BufferedReader(View(data), CHUNK)
