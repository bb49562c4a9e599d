"""Which quota a request comes under: of those that mean it, the one with the longest path, a role's first."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from strongroom.core.quotas.record import Quota

Q = TypeVar("Q", bound=Quota)


class Scopes(Generic[Q]):
    """Quotas by path. Finding one costs a step for each segment, however many there are."""

    def __init__(self, quotas: Iterable[Q] = ()) -> None:
        self._at: dict[str, list[Q]] = {}
        for quota in sorted(quotas, key=lambda one: (not one.role, one.name)):
            self._at.setdefault(quota.path, []).append(quota)
        self.by_role = any(quota.role for found in self._at.values() for quota in found)

    def __bool__(self) -> bool:
        return bool(self._at)

    def find(self, namespace: str, path: str, role: str = "") -> Q | None:
        """The quota for a path inside a namespace, or None."""
        whole = f"{namespace}/{path}".strip("/")
        while True:
            for quota in self._at.get(whole, ()):
                if quota.role in ("", role) and _means(quota, namespace):
                    return quota
            if not whole:
                return None
            whole = whole.rpartition("/")[0]


def _means(quota: Quota, namespace: str) -> bool:
    if quota.namespace == namespace:
        return True
    inside = not quota.namespace or namespace.startswith(f"{quota.namespace}/")
    return inside and quota.inheritable and quota.path == quota.namespace
