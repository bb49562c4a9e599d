"""Tell what a file is from its first bytes, and from its name where bytes do not say."""

from __future__ import annotations

MAGICS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"!<arch>\n", "ar"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"070701", "cpio"),
    (b"070702", "cpio"),
    (b"%PDF-", "pdf"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    *((b"BZh%d1AY&SY" % level, "bzip2") for level in range(1, 10)),
)
STARTS = tuple(magic for magic, _ in MAGICS)
CLOSED = {"7z": "7-Zip", "rar": "RAR"}  # known, and not opened
HEAD = 512


def sniff(head: bytes, name: str) -> str:
    """Return the kind of container that begins with `head`, "" for none."""
    if head.startswith(STARTS):
        return next(kind for magic, kind in MAGICS if head.startswith(magic))
    if head[257:262] == b"ustar" or (name.endswith(".tar") and is_old_tar(head)):
        return "tar"
    if name.endswith(".ipynb"):
        return "notebook"
    return ""


def is_old_tar(head: bytes) -> bool:
    """Whether `head` is a tar header from before POSIX: its checksum must hold."""
    if len(head) < 512:
        return False
    try:
        stated = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 256 + sum(head[156:512])
