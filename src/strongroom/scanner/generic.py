"""Generic secrets: passwords, tokens and keys told by the name beside them.

The engine puts `TRIGGERS` into its one matching database, and calls `find` for each blob
that has a hit or a format reader (`formats.reader_for(path)`). What `find` yields is decided:
no entropy or allow-list check is to follow; only overlaps with precise detectors go, which win.
"""

from collections.abc import Iterable, Iterator

from strongroom.scanner import formats
from strongroom.scanner.formats import Candidate
from strongroom.scanner.generic_triggers import TRIGGERS, Trigger

__all__ = ["TRIGGERS", "Trigger", "find", "hits"]


def hits(data: bytes) -> list[tuple[int, int]]:
    """Run the triggers by `re`: (index into TRIGGERS, end offset). For where no database is at hand."""
    import re  # noqa: PLC0415

    return [(n, m.end()) for n, t in enumerate(TRIGGERS) for m in re.finditer(t.pattern.encode(), data)]


def find(path: str, data: bytes, ends: Iterable[tuple[int, int]]) -> Iterator[Candidate]:
    """Yield the generic secrets of a file; `ends` are the triggers' hits: (index, end offset).

    `path` may be "" (standard input, history). A known format is read by its reader, which
    keeps the generic stage out of the file when it is exclusive.
    """
    reader = formats.reader_for(path)
    if reader is not None:
        yield from reader.read(path, data)
        if reader.exclusive:
            return
