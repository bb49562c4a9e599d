"""A namespace at work: its mounts, what routes to them, its policies."""

from collections.abc import Mapping

from strongroom.core.namespaces import areas
from strongroom.core.namespaces.record import Namespace
from strongroom.core.policy_store import Policies
from strongroom.core.router import Router
from strongroom.errors import InvalidRequest
from strongroom.framework import Engine, Mount


class Realm:
    """One namespace in memory, the root's without a record. `prefix` goes before paths inside.

    `fixed` are mounts that every store has; `shut` says that it, or one above, is being
    deleted; `locked` is the path of the namespace whose lock closes it.
    """

    def __init__(
        self,
        kinds: Mapping[str, Engine],
        namespace: Namespace | None = None,
        *,
        fixed: Mapping[str, Mount] | None = None,
        shut: bool = False,
        locked: str = "",
    ) -> None:
        self.namespace = namespace
        self.uuid = namespace.uuid if namespace else ""
        self.path = namespace.path if namespace else ""
        self.prefix = f"{self.path}/" if self.path else ""
        self.fixed = fixed if fixed is not None else {}
        self.shut = shut
        self.locked = locked
        self.mounts: dict[str, Mount] = {}
        self.router = Router(kinds, self)
        self.policies = Policies(areas.area(self.uuid), self.prefix)

    def adopt(self, mounts: Mapping[str, Mount]) -> None:
        """Take a changed mount table, once it is durable."""
        self.mounts = {**self.fixed, **mounts}
        self.router.load(self.mounts)

    def mount(self, uuid: str) -> Mount | None:
        """The mount with this uuid."""
        return next((mount for mount in self.mounts.values() if mount.uuid == uuid), None)

    def lease(self, name: str) -> str:
        """The stored name of a lease that a caller names. Raises InvalidRequest for another namespace's."""
        if areas.namespace_of(name):
            raise InvalidRequest("invalid lease")
        return f"{areas.lease_area(self.uuid)}{name}"

    def named(self, lease: str) -> str:
        """A stored lease's name, as callers know it."""
        return lease.removeprefix(areas.lease_area(self.uuid))
