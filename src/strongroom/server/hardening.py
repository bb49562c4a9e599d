"""What the process gives up at its start, before any secret is in memory.

Source: prctl(2) PR_SET_DUMPABLE, setrlimit(2).
"""

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4
_PR_GET_DUMPABLE = 3
_KEPT_FILES = 256
"""For the store, the audit log, databases and devices: connections must not take these descriptors."""


def harden() -> None:
    """No core dumps, no tracing by the same user, private files; as many descriptors as allowed."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def room_for_connections() -> int:
    """How many connections the limit of open files leaves room for."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(files - _KEPT_FILES, files // 2)


def dumpable() -> bool:
    """Whether a crash could write this process's memory to disk."""
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    return soft != 0 and _prctl(_PR_GET_DUMPABLE, 0) != 0


def _prctl(option: int, value: int) -> int:
    """Call prctl; -1 where the platform has none."""
    try:
        return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0))
    except (AttributeError, OSError):
        return -1
