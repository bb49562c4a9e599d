"""The line hash by which GitHub's code scanning knows an alert again.

A polynomial hash over the hundred characters from the line's start on, not
counting spaces and tabs, in 64 bits; `:n` numbers equal hashes of a file. A
file's end is the character 65535, and zeros follow it. Characters are UTF-16
code units. Source: `fingerprints.ts` of github/codeql-action.
"""

from __future__ import annotations

BLOCK = 100
PRIME = 37
MASK = (1 << 64) - 1
END = "\uffff"
MAX_FILE = 32 << 20


def line_hash(data: bytes, start: int) -> str:
    """Return the hash of the line that begins at data[start], with its number, in the file `data`."""
    return numbered(normal(data[:start]), normal(data[start:]))


def head_hash(head: bytes) -> str:
    """Return the hash of a line from its beginning alone; its number is not known."""
    return f"{_hash(normal(head)):x}"


def numbered(before: str, after: str) -> str:
    """Hash the line that `after` begins with; `before` is the file up to it. Both are normal text."""
    text = before + after + END + "\0" * BLOCK
    window = text[len(before) : len(before) + BLOCK]
    count, at = 1, text.find(window)
    while at < len(before):
        count += at == 0 or text[at - 1] == "\n"
        at = text.find(window, at + 1)
    return f"{_hash(window):x}:{count}"


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
