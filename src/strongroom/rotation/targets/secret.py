"""The key-value secret that a rotation writes: its fields, its new version, its labels."""

from typing import Any

import msgspec

from strongroom.engines.kv.labels import relabel
from strongroom.engines.kv.record import Key, meta_key, text_of
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Mount, Operation
from strongroom.rotation.record import Held
from strongroom.rotation.scene import Scene

DATA = "data/"


class Secret:
    """A secret in a versioned key-value mount, by its whole path, with or without `data/`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def place(self, scene: Scene) -> tuple[Mount, str]:
        """The mount and the path in it, without `data/`. Raises InvalidRequest."""
        mount, rest = scene.mount(self._path, "kv")
        if mount.options.get("version") != "2":
            raise InvalidRequest(f"'{mount.path}' keeps no versions: a rotated secret needs version 2 of kv")
        inner = rest.removeprefix(DATA)
        if not inner or inner.endswith("/"):
            raise InvalidRequest("a secret's path is MOUNT/PATH")
        return mount, inner

    def path(self, scene: Scene) -> str:
        """The whole path under which clients read it."""
        mount, inner = self.place(scene)
        return f"{mount.path}{DATA}{inner}"

    def guards(self, scene: Scene) -> list[tuple[str, Operation]]:
        """Who has it rotated must be able to read and write it."""
        return [(self.path(scene), Operation.READ), (self.path(scene), Operation.WRITE)]

    async def key(self, scene: Scene) -> Key | None:
        """Its record."""
        ctx, inner = self._context(scene)
        return await ctx.storage.find(meta_key(inner), Key)

    async def data(self, scene: Scene, number: int = 0) -> dict[str, Any]:
        """A version's members, the newest one's without a number; {} when there are none."""
        ctx, inner = self._context(scene)
        key = await ctx.storage.find(meta_key(inner), Key)
        version = key.versions.get(number or key.current) if key else None
        if key is None or version is None or version.gone(ctx.now()):
            return {}
        text = await text_of(ctx.storage, inner, key, number or key.current)
        found: Any = msgspec.json.decode(text) if text else None
        return found if isinstance(found, dict) else {}

    async def fields(self, scene: Scene) -> dict[str, str]:
        """The newest version's members that are text."""
        return {name: value for name, value in (await self.data(scene)).items() if isinstance(value, str)}

    async def publish(self, scene: Scene, new: dict[str, str], old: int) -> int:
        """Write a version with these fields changed and label both; returns its number."""
        key = await self.key(scene)
        changed = {**await self.data(scene), **new}
        options = {"cas": key.current if key else 0, "reason": scene.run.reason if scene.run else ""}
        response = await scene.write(self.path(scene), {"data": changed, "options": options})
        number = int(response.facts["version"])
        await self._label(scene, {number: "current", **({old: "previous"} if old else {})})
        return number

    async def settle(self, scene: Scene) -> None:
        """No version is valid any more but the newest."""
        key = await self.key(scene)
        if key is not None:
            await self._label(scene, {key.current: "current"})

    async def destroy(self, scene: Scene, number: int) -> None:
        """Erase a version's data."""
        mount, inner = self.place(scene)
        await scene.write(f"{mount.path}destroy/{inner}", {"versions": [number]})

    async def labelled(self, scene: Scene, held: Held | None) -> dict[str, Any]:
        """The versions by label, as `credentials` gives them out."""
        key = await self.key(scene)
        found: dict[str, Any] = {}
        if key is not None and key.current:
            found["current"] = {"version": key.current, "data": await self.data(scene)}
        for number, version in (key.versions if key else {}).items():
            if version.label == "previous":
                found["previous"] = {"version": number, "data": await self.data(scene, number)}
        if held is not None and held.new:
            found["pending"] = {"version": (key.current if key else 0) + 1, "data": held.new}
        return found

    async def _label(self, scene: Scene, labels: dict[int, str]) -> None:
        ctx, inner = self._context(scene)
        await relabel(ctx.storage, inner, labels)

    def _context(self, scene: Scene) -> tuple[Context, str]:
        mount, inner = self.place(scene)
        return scene.context(f"{mount.path}{DATA}{inner}", mount), inner
