"""The line hash by which GitHub's code scanning knows an alert again.

A polynomial hash over the hundred characters from the line's start on, not
counting spaces and tabs, in 64 bits; `:n` numbers equal hashes of a file. A
file's end is the character 65535, and zeros follow it. Characters are UTF-16
code units. Source: `fingerprints.ts` of github/codeql-action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

BLOCK = 100
PRIME = 37
MASK = (1 << 64) - 1
END = "\uffff"
MAX_FILE = 32 << 20


def line_hashes(data: bytes, starts: Collection[int]) -> dict[int, str]:
    """Return the hash, with its number, of each line of the file `data` that begins at one of `starts`."""
    text, begins = _lines(data)
    counts: dict[int, int] = {}
    found: dict[int, str] = {}
    for raw, at in begins:
        window = text[at : at + BLOCK]
        key = hash(window)  # in place of the window itself: a large file has many
        counts[key] = counts.get(key, 0) + 1
        if raw in starts:
            found[raw] = f"{_hash(window):x}:{counts[key]}"
    return found


def _lines(data: bytes) -> tuple[str, list[tuple[int, int]]]:
    """The normal text of a file with its end, and where each line begins, in the file and in the text."""
    pieces: list[str] = []
    begins: list[tuple[int, int]] = []
    raw = at = 0
    for line in data.splitlines(keepends=True):
        begins.append((raw, at))
        pieces.append(normal(line))
        raw += len(line)
        at += len(pieces[-1])
    if data[-1:] in (b"", b"\n", b"\r"):
        begins.append((raw, at))
    return "".join(pieces) + END + "\0" * BLOCK, begins


def head_hash(head: bytes) -> str:
    """Return the hash of a line from its beginning alone; its number is not known."""
    return f"{_hash(normal(head)):x}"


def normal(data: bytes) -> str:
    """Decode as UTF-16 code units without spaces and tabs, with LF at line ends."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace(" ", "").replace("\t", "")
    return text if text.isascii() else "".join(map(_units, text))


def _units(character: str) -> str:
    code = ord(character) - 0x10000
    return character if code < 0 else chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _hash(text: str) -> int:
    padded = text if len(text) >= BLOCK else text + END + "\0" * BLOCK
    value = 0
    for character in padded[:BLOCK]:
        value = (value * PRIME + ord(character)) & MASK
    return value
