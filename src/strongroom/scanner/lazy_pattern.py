"""Regular expressions compiled at their first use: a git hook pays for those that it needs."""

import re
from typing import Any, AnyStr, cast

from strongroom.scanner.kept_patterns import compiled


class _Lazy:
    """Stands for a compiled pattern; its methods become the pattern's own once one is asked for."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._source = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        pattern, flags = self._source
        made: Any = compiled(cast("str", pattern), flags)
        for method in ("search", "match", "fullmatch", "finditer", "findall", "sub", "split"):
            setattr(self, method, getattr(made, method))
        return getattr(made, name)


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what behaves as `re.compile(pattern, flags)` and costs nothing before its first use."""
    return cast("re.Pattern[AnyStr]", _Lazy(pattern, flags))
