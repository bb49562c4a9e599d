"""Where the parts of an image are: in a folder, in a tar file, or at a registry."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.errors import IntegrityFailure, InvalidRequest, NotFound
from strongroom.scanner.archives.members import tar
from strongroom.scanner.archives.streams import CHUNK, View
from strongroom.scanner.sources.registry import Registry, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.archives.streams import Reader
    from strongroom.scanner.sources.registry import Reference

JSON_BYTES = 32 << 20
LAYER_BYTES = 64 << 30
DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})").fullmatch


class Store(Protocol):
    """Gives the parts of an image by name: a digest, or the name of a file in a saved image."""

    def has(self, name: str) -> bool:
        """Whether the part is there."""
        ...

    def read(self, name: str) -> Reader:
        """Open a part; raises NotFound when it is not there."""
        ...


def blob_path(digest: str) -> str:
    """Return the name of a blob in an OCI layout; raises IntegrityFailure for what is no digest."""
    found = DIGEST(digest)
    if found is None:
        raise IntegrityFailure("the image names a digest of an unknown form")
    return "blobs/" + "/".join(part for part in found.groups() if part)


class FolderStore:
    """An OCI layout in a folder. Names come from digests, so none leads out of it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def has(self, name: str) -> bool:
        return os.path.isfile(self._path(name))

    def read(self, name: str) -> Reader:
        path = self._path(name)
        if not os.path.isfile(path) or os.path.islink(path):
            raise NotFound(f"{path} is not there")
        return io.BufferedReader(io.FileIO(path), CHUNK)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, blob_path(name) if ":" in name else name)


class TarStore:
    """An image in an uncompressed tar file, its members found once and read where they are."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self._data = mmap(file.fileno(), 0, access=ACCESS_READ)
        self._places: dict[str, tuple[int, int]] = {}
        reader = io.BufferedReader(View(self._data))
        for name, span in tar(reader):
            self._places[name.removeprefix("./")] = (reader.tell(), span.left)
            reader.seek(span.left, io.SEEK_CUR)
            span.left = 0

    def has(self, name: str) -> bool:
        return self._name(name) in self._places

    def read(self, name: str) -> Reader:
        place = self._places.get(self._name(name))
        if place is None:
            raise NotFound(f"the image file has no {name}")
        start, size = place
        return io.BufferedReader(View(memoryview(self._data)[start : start + size]), CHUNK)

    @staticmethod
    def _name(name: str) -> str:
        return blob_path(name) if ":" in name else name


class RegistryStore:
    """An image at a registry; every part is verified when it was read to its end."""

    def __init__(self, reference: Reference, credentials: tuple[str, str] | None = None) -> None:
        self.reference = reference
        self._registry = Registry(reference, credentials)

    def has(self, name: str) -> bool:
        return ":" in name

    def read(self, name: str) -> Reader:
        return io.BufferedReader(Pieces(self._registry.blob(name, LAYER_BYTES)), CHUNK)

    def close(self) -> None:
        """Close the connections."""
        self._registry.close()

    def manifest(self, version: str) -> tuple[dict[str, Any], str]:
        """Return a manifest and its digest."""
        return self._registry.manifest(version)


class Pieces(io.RawIOBase):
    """A stream over pieces as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # the stub wants any buffer
        filled = 0
        while filled < len(target):
            self._waiting = self._waiting or next(self._pieces, b"")
            if not self._waiting:
                break
            part = self._waiting[: len(target) - filled]
            target[filled : filled + len(part)] = part
            self._waiting = self._waiting[len(part) :]
            filled += len(part)
        return filled


def read_json(store: Store, name: str) -> dict[str, Any]:
    """Return a part that is a JSON object; one named by digest is verified."""
    with store.read(name) as reader:
        data = reader.read(JSON_BYTES)
    if ":" in name:
        verify(name, hashlib.new(name.partition(":")[0], data).hexdigest())
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{name} in the image is no JSON") from error
    if isinstance(found, list):
        return {"manifests": found}
    if not isinstance(found, dict):
        raise InvalidRequest(f"{name} in the image is no object")
    return found
