"""Connections that outlive a request: one per mount and name, made on first use, closed on change.

Engines hold no state, so what they keep open outside (connection pools of databases,
directories) is held here, under the mount's uuid and the version of the settings it
was opened with. Sealing closes all of it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary


class Closable(Protocol):
    """What can be held: it connects lazily, and closing it never waits."""

    def close(self) -> None:
        """Let go of every connection; those in use end with their user."""
        ...


T = TypeVar("T", bound=Closable)


class Outside:
    """What is open now, by mount and name."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[str, Closable]] = {}
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def take(self, mount: str, name: str, version: str, make: Callable[[], T]) -> T:
        """What is open under `name` with these settings, made now if need be, in place of an older one."""
        held = self._held.get((mount, name))
        if held is not None and held[0] == version:
            return held[1]  # type: ignore[return-value]  # a name always holds what its own engine made
        self.drop(mount, name)
        made = make()
        self._held[mount, name] = (version, made)
        return made

    def lock(self, mount: str, name: str) -> asyncio.Lock:
        """The lock under `name`: what is done outside under it happens one after the other."""
        return self._locks.setdefault((mount, name), asyncio.Lock())

    def drop(self, mount: str, name: str = "") -> None:
        """Close what a mount holds under `name`, or all that it holds."""
        for key in [key for key in self._held if key[0] == mount and name in ("", key[1])]:
            self._held.pop(key)[1].close()

    def close(self) -> None:
        """Close everything."""
        for _, held in self._held.values():
            held.close()
        self._held.clear()
