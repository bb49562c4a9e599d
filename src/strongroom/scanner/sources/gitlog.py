"""Which blobs a history introduced, where and by which commit: one pass of `git log --raw`.

Merges are shown as combined differences, so a blob that only a merge made is
seen and one that came with a parent is not repeated. A blob belongs to the
oldest commit that introduced it; every path is kept.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from strongroom.scanner.blob import Provenance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from strongroom.scanner.sources.git import Git

RAW = (
    "log", "-z", "--raw", "--no-abbrev", "--no-renames", "-c", "--root", "--no-ext-diff", "--no-textconv",
    "--no-relative", "-O/dev/null", "--no-show-signature", "--no-notes", "--no-decorate", "--no-color",
    "--date-order", "--format=%x01%H",
)  # fmt: skip
ABOUT = (
    "log", "-z", "--no-walk=unsorted", "--no-show-signature", "--no-notes", "--no-decorate", "--no-color",
    "--stdin", "--format=%H%x01%an%x01%ae%x01%aI%x01%B",
)  # fmt: skip
CHUNK = 1 << 20
SUBMODULE = b"160000"
PATH = 0xFFFFFFFF  # the bits of a place that number its path


class Introductions:
    """What a history introduced: for each blob its oldest commit and its paths.

    One whole number a blob (commit index above, path index below) keeps a
    million blobs in about 200 MB; `also` holds the further paths of the few
    that have them.
    """

    def __init__(self) -> None:
        self.paths: list[bytes] = []
        self.commits: list[bytes] = []
        self.where: dict[bytes, int] = {}
        self.also: dict[bytes, dict[int, int]] = {}
        self._path_index: dict[bytes, int] = {}
        self._shown: dict[int, Provenance] = {}

    def add(self, meta: bytes, path: bytes) -> None:
        """Take one raw difference: `:modes ids status` of any number of parents, and its path."""
        fields = meta.split(b" ")
        parents = len(fields) // 2 - 1
        mode, name = fields[parents], fields[2 * parents + 1]
        if mode == SUBMODULE or not name.strip(b"0"):
            return
        index = self._path_index.get(path)
        if index is None:
            index = self._path_index[path] = len(self.paths)
            self.paths.append(path)
        blob = bytes.fromhex(name.decode())
        here = (len(self.commits) - 1) << 32 | index
        known = self.where.get(blob)
        if known is not None and known & PATH != index:
            self.also.setdefault(blob, {})[known & PATH] = known
        self.where[blob] = here

    def add_unnamed(self, blob: bytes, path: bytes) -> None:
        """Take a blob that no commit introduced (a tagged blob or tree)."""
        if blob not in self.where:
            self.commits.append(b"")
            self.add(b":0 0 0 " + blob.hex().encode() + b" A", path)

    def provenance(self, blob: bytes) -> Provenance | None:
        """Return the path of `blob` without its commit, one object a path; None for an unknown blob."""
        at = self.where.get(blob)
        if at is None:
            return None
        index = at & PATH
        shown = self._shown.get(index)
        if shown is None:
            shown = self._shown[index] = Provenance(os.fsdecode(self.paths[index]))
        return shown

    def order(self, blob: bytes) -> tuple[int, int]:
        """Where `blob` stands when the versions of a file follow each other."""
        at = self.where.get(blob, 0)
        return at & PATH, at >> 32

    def trace(self, git: Git, ids: Collection[str]) -> dict[str, list[Provenance]]:
        """Return every path of each blob in `ids`, with its oldest commit, author and date."""
        found = {name: blob for name in ids if (blob := bytes.fromhex(name)) in self.where}
        places = {name: self._places(blob) for name, blob in found.items()}
        commits = {self.commits[at >> 32].decode() for group in places.values() for at in group}
        authors = describe(git, commits - {""})
        return {name: [self._occurrence(at, authors) for at in group] for name, group in places.items()}

    def _places(self, blob: bytes) -> list[int]:
        """Return where `blob` came in: its oldest place, then each further path's."""
        first = self.where[blob]
        further = self.also.get(blob, {})
        return [first, *(further[index] for index in sorted(further) if index != first & PATH)]

    def _occurrence(self, at: int, authors: dict[str, Provenance]) -> Provenance:
        commit = self.commits[at >> 32].decode()
        about = authors.get(commit, Provenance("", commit))
        return about._replace(path=os.fsdecode(self.paths[at & PATH]))


def introductions(
    git: Git, revisions: Sequence[str], given: bytes | None = None
) -> tuple[Introductions, str]:
    """Read what `revisions` (options and resolved ids of `git log`) introduced.

    Returns it with git's complaint, "" when the whole history could be read.
    """
    found = Introductions()
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    with git.start(*RAW, *revisions, "--", stdin=stdin, quiet=True) as process:
        if given is not None and process.stdin is not None:
            process.stdin.write(given)
            process.stdin.close()
        _take(found, _tokens(process))
    complaint = (
        "" if process.returncode == 0 else "git log stopped early: the history is damaged or incomplete"
    )
    return found, complaint


def _take(found: Introductions, tokens: Iterator[bytes]) -> None:
    add = found.add
    for token in tokens:
        if token[:1] == b":":
            add(token, next(tokens, b""))
        elif token[:1] == b"\x01":
            found.commits.append(token[1:])
        elif token[:2] == b"\n:":
            add(token[1:], next(tokens, b""))


def _tokens(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield what stands between NULs on the standard output of `process`."""
    if process.stdout is None:
        return
    rest = b""
    while chunk := process.stdout.read(CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def describe(git: Git, commits: Collection[str]) -> dict[str, Provenance]:
    """Return author, date and message of each commit, with an empty path."""
    if not commits:
        return {}
    with git.start(*ABOUT, stdin=subprocess.PIPE, quiet=True) as process:
        out, _ = process.communicate("\n".join(sorted(commits)).encode() + b"\n")
    about = {}
    for record in out.split(b"\0"):
        fields = record.decode("utf-8", "replace").split("\x01", 4)
        if len(fields) == 5:
            commit, author, email, date, message = fields
            date = date.removesuffix("+00:00") + "Z" if date.endswith("+00:00") else date
            about[commit] = Provenance("", commit, author, email, date, message.strip())
    return about
