"""A key-value secret whose credential an outside system issues: the requests are declared by the plan."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.framework import Operation
from strongroom.rotation.declared import Call, HttpTarget
from strongroom.rotation.record import Held, state_of
from strongroom.rotation.scene import Scene
from strongroom.rotation.targets import template
from strongroom.rotation.targets.declaration import check
from strongroom.rotation.targets.outlet import Answer, Outlet
from strongroom.rotation.targets.secret import Secret

MAX_LEFT_BEHIND = 20


class Issued:
    """The steps of an HttpTarget."""

    def __init__(self, target: HttpTarget, outlet: Outlet) -> None:
        self._target = target
        self._outlet = outlet
        self._secret = Secret(target.secret)

    def place(self, scene: Scene) -> tuple[str, str]:
        mount, inner = self._secret.place(scene)
        return mount.path, inner

    def guards(self, scene: Scene) -> list[tuple[str, Operation]]:
        auth = self._target.auth
        own = self._secret.guards(scene)
        return own if auth is None else [*own, (Secret(auth.secret).path(scene), Operation.READ)]

    async def check(self, scene: Scene) -> None:
        self._secret.place(scene)
        self._outlet.check(self._target.url, self._target.tls_ca)
        check(self._target)
        await scene.password(self._target.password_policy)

    async def take(self, scene: Scene) -> None:
        """Nothing else decides when it changes."""

    release = take

    async def prepare(self, scene: Scene) -> tuple[int, int]:
        key = await self._secret.key(scene)
        old = await self._secret.fields(scene)
        missing = sorted(self._needed() - old.keys()) if key and key.current else []
        if missing:
            raise InvalidRequest(f"the secret has no field '{missing[0]}', by which its credential is ended")
        generated = await scene.password(self._target.password_policy)
        number = key.current if key else 0
        slot = await self._slot(scene) if number else ""
        following = next((name for name in self._target.slots if name != slot), "")
        held = Held(old=old, generated=generated, slot=following, old_slot=slot)
        scene.rows.put(f"held/{scene.key}", held)
        return number, number + 1

    async def _slot(self, scene: Scene) -> str:
        """The slot in force: what the first rotation finds is in the slot that is named first."""
        known = (await state_of(scene.rows, scene.plan.name)).slot
        return known if known in self._target.slots else next(iter(self._target.slots), "")

    async def look(self, scene: Scene) -> bool:
        return False

    async def create(self, scene: Scene, made: bool) -> dict[str, str]:
        """Ask for it, after ending what an attempt cut short has left."""
        held = await self._held(scene)
        for facts in await self._left_behind(scene, held):
            await self._end(scene, _turned(held, facts))
        return await self._create(scene, held)

    async def distribute(self, scene: Scene, fields: Mapping[str, str]) -> None:
        held = await self._held(scene)
        scene.rows.put(f"held/{scene.key}", replace(held, new=dict(fields)))

    async def verify(self, scene: Scene) -> None:
        await self._ask(scene, self._target.verify, await self._held(scene), "verify")

    async def publish(self, scene: Scene) -> int:
        held = await self._held(scene)
        state = await state_of(scene.rows, scene.plan.name)
        scene.rows.put(f"state/{scene.plan.name}", replace(state, slot=held.slot))
        return await self._secret.publish(scene, held.new, scene.run.old if scene.run else 0)

    async def retire(self, scene: Scene) -> None:
        held = await self._held(scene)
        if held.old:
            await self._end(scene, held)

    async def verify_dead(self, scene: Scene) -> None:
        held = await self._held(scene)
        if held.old:
            await self._ask(scene, self._target.verify_dead, held, "verify_dead")

    async def undo(self, scene: Scene) -> None:
        """End what was made: known, or found, or named again by the same key."""
        held = await scene.rows.find(f"held/{scene.key}", Held)
        if held is None:  # nothing was prepared
            return
        if held.new:
            await self._end(scene, _turned(held, held.new))
            await self._ask(scene, self._target.verify_dead, _turned(held, held.new), "verify_dead")
        elif self._target.find is not None:
            for facts in await self._left_behind(scene, held):
                await self._end(scene, _turned(held, facts))
        elif {"key", "slot"} & template.places(self._target.create):
            await self._end(scene, _turned(held, await self._create(scene, held)))

    async def forget(self, scene: Scene) -> None:
        if scene.run is not None and scene.run.published:
            await self._secret.settle(scene)
        scene.rows.delete(f"held/{scene.key}")

    async def credentials(self, scene: Scene) -> dict[str, Any]:
        held = await scene.rows.find(f"held/{scene.key}", Held) if scene.key else None
        return await self._secret.labelled(scene, held)

    async def _create(self, scene: Scene, held: Held) -> dict[str, str]:
        create = self._target.create
        answer = await self._ask(scene, create, held, "create")
        pointers = {**create.facts, **create.secret}
        made = {name: template.pointed_text(answer.body, pointer) for name, pointer in pointers.items()}
        values = await self._values(scene, held)
        return {**made, **{name: template.text(given, values) for name, given in create.set.items()}}

    async def _left_behind(self, scene: Scene, held: Held) -> list[dict[str, str]]:
        """The facts of credentials that carry this rotation's key already."""
        find = self._target.find
        if find is None:
            return []
        answer = await self._ask(scene, find, held, "find")
        listed = template.pointed(answer.body, find.each)
        if not isinstance(listed, list):
            raise UpstreamFailed(f"the answer holds no list at '{find.each}'")
        values = await self._values(scene, held)
        wanted = {pointer: template.text(given, values) for pointer, given in find.match.items()}
        found = [one for one in listed if all(_is(one, *pair) for pair in wanted.items())]
        if len(found) > MAX_LEFT_BEHIND:
            raise UpstreamFailed("more credentials match than one rotation can have left")
        return [
            {name: template.pointed_text(one, pointer) for name, pointer in find.facts.items()}
            for one in found
        ]

    async def _end(self, scene: Scene, held: Held) -> None:
        await self._ask(scene, self._target.retire, held, "retire")

    async def _ask(self, scene: Scene, call: Call, held: Held, what: str) -> Answer:
        """Raises UpstreamFailed unless the answer has one of the statuses that are good."""
        asked = template.filled(call, await self._values(scene, held))
        if what not in ("verify", "verify_dead") and self._target.auth is not None:
            login = Call(path="/", headers=self._target.auth.headers)
            headers = template.filled(login, await self._values(scene, held)).headers
            asked = asked._replace(headers={**headers, **asked.headers})
        answer = await self._outlet.send(self._target.url, self._target.tls_ca, asked)
        if answer.status not in call.expect:
            raise UpstreamFailed(f"'{what}' was answered with status {answer.status}")
        return answer

    async def _values(self, scene: Scene, held: Held) -> dict[str, str]:
        values = {"key": scene.key, "generated": held.generated, "slot": held.slot, "old_slot": held.old_slot}
        values |= {f"old.{name}": value for name, value in held.old.items()}
        values |= {f"new.{name}": value for name, value in held.new.items()}
        if self._target.auth is not None:
            admin = await Secret(self._target.auth.secret).fields(scene)
            values |= {f"admin.{name}": value for name, value in admin.items()}
        return values

    async def _held(self, scene: Scene) -> Held:
        return await scene.rows.get(f"held/{scene.key}", Held)

    def _needed(self) -> set[str]:
        """The fields of the old credential that ending it takes."""
        named = template.places(self._target.retire) | template.places(self._target.verify_dead)
        return {place.removeprefix("old.") for place in named if place.startswith("old.")}


def _turned(held: Held, ended: dict[str, str]) -> Held:
    """For ending what this rotation made: as if that and its slot were the old ones."""
    return replace(held, old=ended, old_slot=held.slot)


def _is(one: Any, pointer: str, wanted: str) -> bool:
    try:
        return template.pointed_text(one, pointer) == wanted
    except UpstreamFailed:
        return False
