"""The router: which mount a path belongs to. Longest prefix, segment by segment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strongroom.framework import Engine, Mount, Operation
from strongroom.framework.dispatch import Found, find

if TYPE_CHECKING:
    from strongroom.core.namespaces.realm import Realm


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request leads. `mount` and `engine` are None when no mount covers the path.

    `realm` is the namespace that routes it, by the mount table `table`. `derived` is what others
    work out once from a path and an operation.
    """

    mount: Mount | None
    engine: Engine | None
    path: str
    found: Found
    realm: "Realm | None" = field(default=None, compare=False, repr=False)
    derived: dict[str, Any] = field(default_factory=dict, compare=False)
    table: object = field(default=None, compare=False, repr=False)


REMEMBERED = 4096
REMEMBERED_LENGTH = 256


class Router:
    """A namespace's mount table in memory, indexed by path. Replaced whole when it changes."""

    def __init__(self, kinds: Mapping[str, Engine], realm: "Realm | None" = None) -> None:
        self._kinds = kinds
        self._realm = realm
        self._mounts: dict[str, tuple[Mount, Engine]] = {}
        self._targets: dict[tuple[str, Operation], Target] = {}
        self._depth = 0

    def load(self, mounts: Mapping[str, Mount]) -> None:
        """Take a new mount table.

        Mounts on their way out, and kinds this server does not know, answer nothing.
        """
        table = {}
        for path, mount in mounts.items():
            engine = self.engine_for(mount)
            if engine is not None and not mount.tainted:
                table[path] = (mount, engine)
        self._mounts = table
        self._targets = {}
        self._depth = max((path.count("/") for path in table), default=0)

    def engine_for(self, mount: Mount) -> Engine | None:
        """The engine of a mount, in the version its options ask for."""
        prefix = "auth/" if mount.path.startswith("auth/") else ""
        engine = self._kinds.get(prefix + mount.kind)
        if engine is not None and engine.within is not None and mount.namespace:
            return engine.within()
        if engine is None or not engine.versions:
            return engine
        chosen = engine.versions.get(mount.options.get("version", ""))
        return chosen() if chosen else engine

    def every(self) -> list[tuple[str, Engine]]:
        """All mounted paths with what answers there, in order."""
        return [(path, engine) for path, (_, engine) in sorted(self._mounts.items())]

    def current(self, target: Target) -> bool:
        """Whether the mount table is still the one by which `target` was found."""
        return target.table is self._mounts

    def mount_of(self, path: str) -> tuple[Mount, Engine] | None:
        """The mount whose path is the longest prefix of `path`, by whole segments."""
        slash = path.find("/")
        best = None
        depth = 0
        while slash >= 0 and depth < self._depth:
            found = self._mounts.get(path[: slash + 1])
            best = found or best
            slash = path.find("/", slash + 1)
            depth += 1
        return best

    def target(self, path: str, operation: Operation) -> Target:
        """Where a canonical path leads; `path/` names the mount's own root like `path`.

        The same paths are asked for again and again, so answers are remembered: a bounded
        number, of short paths, until the table changes.
        """
        key = (path, operation)
        known = self._targets.get(key)
        if known is not None:
            return known
        target = self._look_up(path, operation)
        if target.found.route is not None and len(path) <= REMEMBERED_LENGTH:
            if len(self._targets) >= REMEMBERED:
                self._targets.clear()
            self._targets[key] = target
        return target

    def _look_up(self, path: str, operation: Operation) -> Target:
        found = self.mount_of(path) or self._mounts.get(path + "/")
        if found is None:
            return Target(None, None, "", Found(), self._realm)
        mount, engine = found
        rest = path[len(mount.path) :]
        return Target(mount, engine, rest, find(engine, rest, operation), self._realm, table=self._mounts)
