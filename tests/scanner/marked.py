"""Sample files whose secrets stand between « and »: what is found must be exactly that."""

from collections.abc import Iterator
from pathlib import Path

from strongroom.scanner import generic


def samples(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (file name, marked text) of a collection: each sample begins with `==> name`."""
    for chunk in path.read_text("utf-8").split("==> ")[1:]:
        name, _, text = chunk.partition("\n")
        yield name.strip(), text


def unmark(text: str) -> tuple[bytes, set[tuple[int, int]]]:
    """Return the text without its marks, and the spans that were marked, as byte offsets."""
    data = bytearray()
    spans: set[tuple[int, int]] = set()
    for part in text.split("«"):
        secret, close, rest = part.partition("»")
        if close:
            spans.add((len(data), len(data) + len(secret.encode())))
        data += (secret + rest).encode()
    return bytes(data), spans


def found(path: str, data: bytes) -> set[tuple[int, int]]:
    """The spans that generic detection and the format readers report."""
    return {(c.start, c.end) for c in generic.find(path, data, generic.hits(data))}
