"""When the generic stage looks at a text, and at how much of a version of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.scanner import formats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.scanner.blob import Version
    from strongroom.scanner.formats import Candidate

    Hit = tuple[int, int]


def find(path: str, data: bytes, triggers: list[Hit]) -> Iterable[Candidate]:
    """The generic secrets of a text, whose `triggers` woke the stage."""
    if not triggers and formats.reader_for(path) is None:
        return ()
    from strongroom.scanner import generic  # noqa: PLC0415 (a hook whose files wake nothing does without)

    return generic.find(path, data, triggers)


def find_in_version(path: str, data: bytes, triggers: list[Hit], version: Version) -> Iterable[Candidate]:
    """The generic secrets of a version; those in text that its base had are known."""
    if formats.reader_for(path) is not None:
        return find(path, data, triggers)
    if not triggers:
        return ()
    from strongroom.scanner import generic_versions  # noqa: PLC0415 (for histories only)

    return generic_versions.find(path, data, triggers, version)
