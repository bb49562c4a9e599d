"""Regular expressions that are kept compiled: `re` takes 50 to 120 ms for those of a scan, in each process.

What `re` makes of an expression is a list of numbers. A scan that forks workers reads those
of earlier scans from the disk cache, and each worker adds what it had to compile. The
parts of `re` that this needs are private: where they differ, `re.compile` does it all.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, AnyStr

from strongroom.scanner import cache

if TYPE_CHECKING:
    Key = tuple[str | bytes, int]
    # Flags, numbers, how many groups there are, and the numbers of those with a name.
    Stored = tuple[int, bytes, int, dict[str, int]]

MOST = 6000  # expressions that are kept
SOME = 4 << 10  # bytes of new numbers for which it pays to write: about two milliseconds of `re`
_NAME = f"patterns-{sys.hexversion:x}"
_STAMP = (1, sys.version, sys.maxsize)
_OTHER = (ImportError, AttributeError, TypeError, ValueError, OverflowError, RuntimeError)


class Kept:
    """The expressions that are known, once `use` was called, and those that came since."""

    def __init__(self) -> None:
        self._known: dict[Key, Stored] | None = None
        self._new: dict[Key, Stored] = {}

    def use(self) -> None:
        """Read what earlier scans kept; from here on new expressions are noted."""
        if self._known is None:
            self._known = _read()

    def compiled(self, pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
        """Return what `re.compile` does."""
        if self._known is None:
            return re.compile(pattern, flags)
        key = pattern, int(flags)
        try:
            stored = self._known.get(key)
            if stored is None:
                stored = self._known[key] = self._new[key] = _compile(*key)
            return _restore(pattern, stored)
        except _OTHER:
            return re.compile(pattern, flags)

    def keep(self) -> None:
        """Add the new expressions to the cache, if that is worth it."""
        if sum(len(numbers) for _, numbers, _, _ in self._new.values()) < SOME:
            return
        content = _read() | self._new  # another worker may have written
        self._new.clear()
        if len(content) <= MOST:
            cache.write(_NAME, {"stamp": _STAMP, "kept": content})


def _read() -> dict[Key, Stored]:
    found = cache.read(_NAME)
    kept = found.get("kept") if isinstance(found, dict) and found.get("stamp") == _STAMP else None
    return kept if isinstance(kept, dict) else {}


def _compile(pattern: str | bytes, flags: int) -> Stored:
    import array  # noqa: PLC0415 (a hook does without)

    parser, compiler = import_module("re._parser"), import_module("re._compiler")
    parsed = parser.parse(pattern, flags)
    numbers = array.array("I", compiler._code(parsed, flags))
    state = parsed.state
    return flags | state.flags, numbers.tobytes(), state.groups - 1, dict(state.groupdict)


def _restore(pattern: AnyStr, stored: Stored) -> re.Pattern[AnyStr]:
    import array  # noqa: PLC0415 (a hook does without)

    flags, body, groups, names = stored
    numbers = array.array("I")
    numbers.frombytes(body)
    by_number: list[str | None] = [None] * (groups + 1)
    for name, number in names.items():
        by_number[number] = name
    make = import_module("_sre").compile
    made: re.Pattern[AnyStr] = make(pattern, flags, numbers.tolist(), groups, names, tuple(by_number))
    return made


_here = Kept()
use, compiled, keep = _here.use, _here.compiled, _here.keep
