"""The seam for kinds of secrets: what a rotation asks of one, in this order.

A new kind is a struct in `record.Target`, a class here and one entry in `KINDS`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from strongroom.framework import Operation
from strongroom.rotation.declared import HttpTarget
from strongroom.rotation.record import DatabaseTarget, GenerateTarget, Plan
from strongroom.rotation.scene import Scene
from strongroom.rotation.targets.database import StaticRolePair
from strongroom.rotation.targets.generated import Generated
from strongroom.rotation.targets.http import Issued
from strongroom.rotation.targets.outlet import Outlet


class Rotated(Protocol):
    """One kind's steps. Those with a `scene` only may reach outside and are repeated after a crash.

    Those whose names follow `prepare`, `distribute`, `publish` and `forget` change the store
    in the scene's transaction, exactly once.
    """

    def place(self, scene: Scene) -> tuple[str, str]:
        """The mount's path and the path in it under which clients read the secret."""
        ...

    def guards(self, scene: Scene) -> list[tuple[str, Operation]]:
        """What the author of a plan must be allowed to do themselves."""
        ...

    async def check(self, scene: Scene) -> None:
        """Raise InvalidRequest for a target that cannot be rotated."""
        ...

    async def take(self, scene: Scene) -> None:
        """The plan takes charge."""
        ...

    async def release(self, scene: Scene) -> None:
        """The plan is gone."""
        ...

    async def prepare(self, scene: Scene) -> tuple[int, int]:
        """Choose what will be new, durably; returns the versions in force and to come."""
        ...

    async def look(self, scene: Scene) -> bool:
        """Whether the new credential has to be made from nothing."""
        ...

    async def create(self, scene: Scene, made: bool) -> dict[str, str]:
        """Make it valid outside; returns what the outside system chose."""
        ...

    async def distribute(self, scene: Scene, fields: Mapping[str, str]) -> None:
        """Keep it as the pending version."""
        ...

    async def verify(self, scene: Scene) -> None:
        """Use the pending version. Raises UpstreamFailed when it does not work."""
        ...

    async def publish(self, scene: Scene) -> int:
        """Make pending current and current previous; returns the new version."""
        ...

    async def retire(self, scene: Scene) -> None:
        """End the previous version outside."""
        ...

    async def verify_dead(self, scene: Scene) -> None:
        """Use the previous version. Raises UpstreamFailed when it still works."""
        ...

    async def undo(self, scene: Scene) -> None:
        """End a pending version that did not become current."""
        ...

    async def forget(self, scene: Scene) -> None:
        """Keep the current version only."""
        ...

    async def credentials(self, scene: Scene) -> dict[str, Any]:
        """The versions by label: `current`, `previous` and `pending`, each with version and data."""
        ...


KINDS: Mapping[type, Callable[[Any, Outlet], Rotated]] = {
    DatabaseTarget: StaticRolePair,
    GenerateTarget: Generated,
    HttpTarget: Issued,
}


def rotated(plan: Plan, outlet: Outlet) -> Rotated:
    """The steps of a plan's target."""
    return KINDS[type(plan.target)](plan.target, outlet)
