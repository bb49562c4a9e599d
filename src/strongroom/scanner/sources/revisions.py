"""Turn what people and hooks say about revisions into arguments of `git log` that hold ids only."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Collection

    from strongroom.scanner.sources.git import Git

DAYS = ("yesterday", "today")


def resolve_since(git: Git, since: str) -> list[str]:
    """Return the arguments for what came after a revision or a date; raises InvalidRequest for neither."""
    if not since:
        return []
    try:
        return ["^" + git.resolve(since)]
    except NotFound:
        if not any(c.isdigit() for c in since) and since not in DAYS:
            raise InvalidRequest(f"{since!r} is neither a revision nor a date") from None
        return ["--since=" + since]


def resolve_ranges(git: Git, ranges: Collection[str]) -> list[str]:
    """Return arguments of `git log` for `A..B`, `^A`, `B` and the marks of `pushes.py`.

    `^?A` is left out where A is not here (a push over a remote that moved on).
    Raises NotFound for what is no revision.
    """
    resolved: list[str] = []
    for text in ranges:
        if text in ("--not --all", "--not --remotes"):
            resolved += text.split(" ")
        elif text.startswith("^?"):
            with suppress(NotFound):
                resolved.append("^" + git.resolve(text[2:]))
        elif ".." in text:
            resolved += _between(git, *text.split("..", 1))
        else:
            resolved.append(("^" if text[:1] == "^" else "") + git.resolve(text.removeprefix("^")))
    return resolved


def _between(git: Git, first: str, last: str) -> list[str]:
    if last.startswith("."):
        raise InvalidRequest("a range is written A..B, with two dots")
    return ["^" + git.resolve(first or "HEAD"), git.resolve(last or "HEAD")]
