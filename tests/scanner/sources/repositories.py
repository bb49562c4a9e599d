"""Real repositories, built by the git command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from strongroom.scanner.blob import Blob, Source


class Repository:
    """A repository in a temporary folder. Each commit is an hour after the one before."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.hours = 0
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str, given: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            input=given,
            capture_output=True,
            env=os.environ | {"GIT_AUTHOR_DATE": self.date, "GIT_COMMITTER_DATE": self.date},
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    @property
    def date(self) -> str:
        return f"2024-03-01T{self.hours // 60:02}:{self.hours % 60:02}:00Z"

    def write(self, name: str, text: str | bytes) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, files: dict[str, str | bytes], message: str = "change") -> str:
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "-A")
        self.hours += 1
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def read(source: Source, count: int = 3) -> list[Blob]:
    """All blobs of all parts, as the workers would give them."""
    return [blob for part in source.shards(count) for blob in part()]


def texts(source: Source, count: int = 3) -> list[str]:
    return sorted(blob.data.decode() for blob in read(source, count))
