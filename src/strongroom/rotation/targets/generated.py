"""A key-value secret whose fields a password policy makes: nothing outside knows it but its readers."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from strongroom.errors import InvalidRequest
from strongroom.framework import Operation
from strongroom.rotation.record import GenerateTarget, Held
from strongroom.rotation.scene import Scene
from strongroom.rotation.targets.outlet import Outlet
from strongroom.rotation.targets.secret import Secret


class Generated:
    """The steps of a GenerateTarget."""

    def __init__(self, target: GenerateTarget, outlet: Outlet) -> None:
        self._target = target
        self._secret = Secret(target.secret)

    def place(self, scene: Scene) -> tuple[str, str]:
        mount, inner = self._secret.place(scene)
        return mount.path, inner

    def guards(self, scene: Scene) -> list[tuple[str, Operation]]:
        return self._secret.guards(scene)

    async def check(self, scene: Scene) -> None:
        self._secret.place(scene)
        if not self._target.fields:
            raise InvalidRequest("'fields' names what is generated")
        await scene.password(self._target.password_policy)

    async def take(self, scene: Scene) -> None:
        """Nothing else decides when it changes."""

    release = take

    async def prepare(self, scene: Scene) -> tuple[int, int]:
        key = await self._secret.key(scene)
        policy = self._target.password_policy
        new = {name: await scene.password(policy) for name in self._target.fields}
        scene.rows.put(f"held/{scene.key}", Held(new=new))
        number = key.current if key else 0
        return number, number + 1

    async def look(self, scene: Scene) -> bool:
        return False

    async def create(self, scene: Scene, made: bool) -> dict[str, str]:
        return {}

    async def distribute(self, scene: Scene, fields: Mapping[str, str]) -> None:
        """It is held since it was prepared."""

    async def verify(self, scene: Scene) -> None:
        """Nobody can be asked."""

    async def publish(self, scene: Scene) -> int:
        held = await scene.rows.get(f"held/{scene.key}", Held)
        scene.rows.put(f"held/{scene.key}", replace(held, new={}))
        return await self._secret.publish(scene, held.new, scene.run.old if scene.run else 0)

    retire = verify_dead = undo = verify

    async def forget(self, scene: Scene) -> None:
        run = scene.run
        if self._target.destroy and run is not None and run.old and run.published:
            await self._secret.destroy(scene, run.old)
        if scene.run is not None and scene.run.published:
            await self._secret.settle(scene)
        scene.rows.delete(f"held/{scene.key}")

    async def credentials(self, scene: Scene) -> dict[str, Any]:
        held = await scene.rows.find(f"held/{scene.key}", Held) if scene.key else None
        return await self._secret.labelled(scene, held)
