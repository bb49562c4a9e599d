"""Loose objects: one compressed file each, read in-process."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from strongroom.scanner.blob import Blob
from strongroom.scanner.sources.inflate import InflateError, inflater

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from strongroom.scanner.blob import Provenance

FOLDER = re.compile(r"[0-9a-f]{2}").fullmatch
HEADER = re.compile(rb"blob (\d{1,18})\0").match
HEADER_BYTES = 32


def loose_objects(
    store: str, id_size: int, wanted: Container[bytes] | None, seen: set[bytes]
) -> list[tuple[str, bytes]]:
    """Return file and id of the loose objects in `wanted` (None: all) not in `seen`, which is added to."""
    found = []
    for folder in sorted(filter(FOLDER, _names(store))):
        for name in _names(os.path.join(store, folder)):
            blob = _id(folder + name, id_size)
            if not blob or (wanted is not None and blob not in wanted):
                continue
            if blob in seen:
                continue
            seen.add(blob)
            found.append((os.path.join(store, folder, name), blob))
    return found


def read_loose(
    objects: Sequence[tuple[str, bytes]],
    name: Callable[[bytes], Provenance],
    max_size: int,
    unread: list[bytes],
) -> Iterator[Blob]:
    """Yield the blobs among `objects`; what cannot be read goes to `unread`."""
    for path, blob in objects:
        try:
            data = _read(path, max_size)
        except (OSError, InflateError, ValueError):
            unread.append(blob)
            continue
        if data is not None:
            yield Blob(blob.hex(), data, name(blob))


def _read(path: str, max_size: int) -> bytes | None:
    """Return the blob in the file `path`, None for another kind of object; raises ValueError on damage."""
    with open(
        os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb"
    ) as file:  # a pipe must not hold us
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        packed = file.read(max_size)
    start = inflater().decompress(packed[:512], HEADER_BYTES)
    header = HEADER(start)
    if header is None:
        if start.startswith((b"tree ", b"commit ", b"tag ")):
            return None
        raise ValueError("no object header")
    size = int(header[1])
    if size > max_size:
        raise ValueError("too large")
    data: bytes = inflater().decompress(packed, size + header.end())
    if len(data) != size + header.end():
        raise ValueError("cut short")
    return data[header.end() :]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _id(name: str, id_size: int) -> bytes:
    """Return the id that a file name spells, b"" for any other file."""
    if len(name) != 2 * id_size:
        return b""
    try:
        return bytes.fromhex(name)
    except ValueError:
        return b""
