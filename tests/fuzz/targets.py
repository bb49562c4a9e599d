"""What is fuzzed: each target takes any bytes and must not raise, hang or grow without bound."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from strongroom.errors import IntegrityFailure, StrongroomError
from strongroom.scanner import formats
from strongroom.scanner.archives.documents import xml_text
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.decode import expand
from strongroom.scanner.limits import Limits
from strongroom.scanner.sources.image import ImageSource
from strongroom.scanner.sources.packread import Reader
from strongroom.scanner.sources.packs import Forest, Pack
from strongroom.scanner.sources.pushes import pre_push_ranges, pre_receive_ranges
from strongroom.scanner.sources.registry import parse_reference

LIMITS = Limits(max_size=1 << 20, max_depth=3, max_members=200, max_ratio=20, max_expanded=4 << 20, seconds=5)
NAMES = (
    "x",
    "x.tar",
    "x.zip",
    "x.ipynb",
    "x.pdf",
    "x.gz",
    ".env",
    ".netrc",
    "config.json",
    "a.properties",
    "dump.sql",
)


def archives(data: bytes) -> None:
    """Archive walkers, decoders and documents: by their magic, under every name that matters."""
    name = NAMES[data[0] % 6] if data else "x"
    warnings: list[str] = []
    found = expand(Blob("", data[1:], Provenance(name)), LIMITS, warnings.append)
    total = sum(len(blob.data) for blob in found)
    assert total <= 5 * LIMITS.max_expanded + 64 * len(data)


def office(data: bytes) -> None:
    """XML of office documents."""
    assert len(xml_text(data)) <= 8 * len(data) + 8


def packs(data: bytes) -> None:
    """A git pack and its index: the first two bytes say where one ends and the other begins."""
    cut = int.from_bytes(data[:2], "big")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.idx").write_bytes(data[2 : 2 + cut])
        (Path(folder) / "x.pack").write_bytes(data[2 + cut :])
        try:
            pack = Pack(f"{folder}/x.idx", 20)
        except IntegrityFailure:
            return
        forest = Forest(pack, None, set())
        for blob in Reader(forest, 1 << 20).blobs(forest.roots, lambda _: Provenance("x")):
            assert len(blob.data) <= 1 << 20


def images(data: bytes) -> None:
    """A saved image."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            for part in ImageSource(file.name, limits=LIMITS).shards(1):
                for blob in part():
                    assert blob.provenance.inside
        except StrongroomError:
            return


def readers(data: bytes) -> None:
    """Format readers of configuration files."""
    name = NAMES[data[0] % len(NAMES)] if data else "x"
    for candidate in formats.read(name, data[1:]):
        assert 0 <= candidate.start <= candidate.end <= len(data)


def words(data: bytes) -> None:
    """What people and hooks write: image references and the lines that git gives hooks."""
    text = data.decode("utf-8", "replace")
    for read in (
        parse_reference,
        lambda t: pre_push_ranges(t.splitlines()),
        lambda t: pre_receive_ranges(t.splitlines()),
    ):
        try:
            read(text)
        except StrongroomError:
            continue


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (archives, office, packs, images, readers, words)
}
