"""A static role of the database engine whose two accounts take turns."""

from collections.abc import Mapping
from typing import Any

from strongroom.engines.database import pair
from strongroom.engines.database.record import Credential, StaticRole, find_static
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Operation
from strongroom.rotation.record import DatabaseTarget
from strongroom.rotation.scene import Scene
from strongroom.rotation.targets.outlet import Outlet

FAMILIES = ("static-roles/", "static-creds/", "rotate-role/")


class StaticRolePair:
    """The steps of a DatabaseTarget."""

    def __init__(self, target: DatabaseTarget, outlet: Outlet) -> None:
        self._target = target

    def place(self, scene: Scene) -> tuple[str, str]:
        mount, rest = scene.mount(self._target.role, "database")
        name = next((rest[len(family) :] for family in FAMILIES if rest.startswith(family)), "")
        if not name or "/" in name:
            raise InvalidRequest("'role' is the whole path of a static role: MOUNT/static-roles/NAME")
        return mount.path, f"static-creds/{name}"

    def guards(self, scene: Scene) -> list[tuple[str, Operation]]:
        mount, place = self.place(scene)
        name = place.removeprefix("static-creds/")
        return [
            (f"{mount}{place}", Operation.READ),
            (f"{mount}static-roles/{name}", Operation.WRITE),
            (f"{mount}rotate-role/{name}", Operation.WRITE),
        ]

    async def check(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.check(ctx, name, await self._users(scene), self._target.creation_statements)

    async def take(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.take(ctx, name, scene.plan.name, max(1, scene.plan.grace // 2))

    async def release(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.release(ctx, name)

    async def prepare(self, scene: Scene) -> tuple[int, int]:
        ctx, name = self._role(scene)
        return await pair.prepare(
            ctx, name, await self._users(scene), self._target.creation_statements, scene.key
        )

    async def look(self, scene: Scene) -> bool:
        ctx, name = self._role(scene)
        return await pair.missing(ctx, name)

    async def create(self, scene: Scene, made: bool) -> dict[str, str]:
        ctx, name = self._role(scene)
        await pair.create(ctx, name, self._target.creation_statements, make=made)
        return {}

    async def distribute(self, scene: Scene, fields: Mapping[str, str]) -> None:
        """The role holds it since it was prepared."""

    async def verify(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.verify(ctx, name)

    async def publish(self, scene: Scene) -> int:
        ctx, name = self._role(scene)
        return await pair.publish(ctx, name)

    async def retire(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.retire(ctx, name)

    async def verify_dead(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.verify_dead(ctx, name)

    async def undo(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.undo(ctx, name, scene.key)

    async def forget(self, scene: Scene) -> None:
        ctx, name = self._role(scene)
        await pair.forget(ctx, name)

    async def credentials(self, scene: Scene) -> dict[str, Any]:
        ctx, name = self._role(scene)
        role = await find_static(ctx, name)
        current = Credential(username=role.username, password=role.password, version=role.version)
        labels = {"current": current, "previous": role.previous, "pending": role.pending}
        return {
            label: {
                "version": credential.version,
                "data": {"username": credential.username, "password": credential.password},
            }
            for label, credential in labels.items()
            if credential is not None
        }

    def _role(self, scene: Scene) -> tuple[Context, str]:
        mount_path, place = self.place(scene)
        mount, _ = scene.mount(mount_path + place, "database")
        name = place.removeprefix("static-creds/")
        return scene.context(f"{mount_path}rotate-role/{name}", mount), name

    async def _users(self, scene: Scene) -> tuple[str, ...]:
        """The two named, or two after the account that the plan found."""
        if self._target.users:
            return self._target.users
        ctx, name = self._role(scene)
        role = await ctx.storage.find(f"static/{name}", StaticRole)
        base = role.username if role else name
        base = base[:-2] if base.endswith(("_a", "_b")) else base
        return f"{base}_a", f"{base}_b"
