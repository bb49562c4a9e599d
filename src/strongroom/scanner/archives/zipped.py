"""Zip archives and what is built on them: jar, war, whl, apk, office documents."""

from __future__ import annotations

import io
import lzma
import zipfile
from typing import TYPE_CHECKING

from strongroom.scanner.archives.documents import is_office_text, xml_text
from strongroom.scanner.archives.opening import BROKEN, said, shown
from strongroom.scanner.archives.streams import CHUNK, Counted
from strongroom.scanner.blob import Blob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.archives.opening import Opener
    from strongroom.scanner.archives.streams import Reader
    from strongroom.scanner.blob import Provenance

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
            with archive.open(info) as member:
                counted = io.BufferedReader(Counted(member, opener.budget), CHUNK)
                if office and is_office_text(info.filename):
                    yield Blob(opener.id, xml_text(opener.whole(counted)), at)
                else:
                    yield from opener.open(counted, at, depth + 1)
        except FAILURES as error:
            opener.warn(at, f"damaged or not readable: {said(error)}")
    if locked:
        opener.warn(provenance, f"{locked} encrypted members are not read")
