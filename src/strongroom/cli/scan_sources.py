"""What `strongroom scan` reads: files, standard input, a git history, the index, an image."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    import argparse

    from strongroom.scanner.blob import Source

BLOB_BYTES = 256 << 20  # a git object is held whole, so --max-size cannot raise this


def make_source(args: argparse.Namespace) -> tuple[Source, str]:
    """Choose what is scanned; returns it with what its blobs are called."""
    modes = [
        args.history or bool(args.since or args.branch or args.unreachable),
        bool(args.range),
        args.staged,
        bool(args.image),
    ]
    if sum(modes) > 1:
        raise InvalidRequest("--history, --range, --staged and --image exclude each other")
    if args.image:
        return _image_source(args), "blobs"
    if any(modes) and len(args.paths) > 1:
        raise InvalidRequest("--history, --range and --staged read one repository: name one PATH")
    path = args.paths[0] if args.paths else "."
    if modes[0] or modes[1]:
        from strongroom.scanner.sources.history import HistorySource  # noqa: PLC0415 (only what is asked for)

        return HistorySource(
            path,
            branch=args.branch,
            since=args.since,
            ranges=args.range,
            unreachable=args.unreachable,
            max_size=min(args.max_size, BLOB_BYTES),
        ), "blobs"
    if modes[2]:
        from strongroom.scanner.sources.staged import StagedSource  # noqa: PLC0415

        return StagedSource(path), "files"
    return _plain_source(args), "files"


def _image_source(args: argparse.Namespace) -> Source:
    if args.paths:
        raise InvalidRequest("--image names what is scanned: leave out PATH")
    from strongroom.scanner.sources.image import ImageSource  # noqa: PLC0415

    return ImageSource(args.image, platform=args.platform)


def _plain_source(args: argparse.Namespace) -> Source:
    if "-" in args.paths:
        if len(args.paths) > 1:
            raise InvalidRequest("standard input (-) is scanned alone")
        from strongroom.scanner.sources.stdin import StreamSource  # noqa: PLC0415

        return StreamSource(sys.stdin.buffer)
    from strongroom.scanner.sources.files import FilesSource  # noqa: PLC0415

    return FilesSource(
        args.paths or ["."], exclude=args.exclude, ignored=args.no_ignore, max_size=args.max_size
    )


def root(paths: list[str]) -> str:
    """The folder that paths in a report are relative to: the repository's, else the one scanned."""
    place = paths[0] if paths and paths[0] != "-" else "."
    start = os.path.realpath(place)
    folder = start if os.path.isdir(start) else os.path.dirname(start)  # noqa: PTH112, PTH120
    above = folder
    while not os.path.lexists(os.path.join(above, ".git")):  # noqa: PTH118
        parent = os.path.dirname(above)  # noqa: PTH120
        if parent == above:
            return folder if len(paths) == 1 else os.getcwd()  # noqa: PTH109
        above = parent
    return above
