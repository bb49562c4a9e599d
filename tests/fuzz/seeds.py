"""Small valid inputs to begin from, made afresh: nothing binary is kept in the repository."""

from __future__ import annotations

import gzip
import subprocess
import tempfile
from pathlib import Path

from tests.scanner.archives.making import COMPRESS, arred, cpioed, tarred, zipped
from tests.scanner.sources.images import docker_saved, layout

FILES = {"a.txt": b"key = value", "b/.env": b"TOKEN=x"}


def seeds(target: str) -> list[bytes]:
    """Return the first inputs of a target."""
    if target == "archives":
        plain = [zipped(FILES), tarred(FILES), arred(FILES), cpioed(FILES), b'{"cells": [{"source": "x"}]}']
        wide = "key = value\n" * 9
        packed = [make(tarred(FILES)) for make in COMPRESS.values()] + [gzip.compress(zipped(FILES))]
        return [
            b"\0" + data
            for data in [*plain, *packed, wide.encode("utf-16"), b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"]
        ]
    if target == "packs":
        return [pack()]
    if target == "images":
        return [tarred(docker_saved()), tarred(layout())]
    return {
        "office": [b"<w:p xmlns:w='u'><w:t>text</w:t></w:p>"],
        "readers": [b"\6A=b\n", b"\7machine h login u password p\n", b'\x08{"auths": {}}'],
        "words": [
            b"r.example/a:1",
            b"refs/heads/a " + b"1" * 40 + b" refs/heads/b " + b"2" * 40,
            b":1 1 a b M\0x",
        ],
    }[target]


def pack() -> bytes:
    """Return a pack with a delta in it, as the target takes it."""
    with tempfile.TemporaryDirectory() as made:

        def git(*arguments: str) -> None:
            command = ["git", "-C", made, "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
            subprocess.run(command, check=True, capture_output=True)

        git("init", "-q")
        for n in range(3):
            (Path(made) / "f").write_text("line\n" * 60 + str(n))
            git("add", "f")
            git("commit", "-q", "-m", "x")
        git("repack", "-adfq")
        (index,) = (Path(made) / ".git/objects/pack").glob("*.idx")
        data = index.read_bytes()
        return len(data).to_bytes(2, "big") + data + index.with_suffix(".pack").read_bytes()
