"""The namespaces that are in use, and how a request finds its own.

A namespace is named by the header, by the first segments of the path, or by both. Which it is
follows from the whole path alone: a mount and a namespace never share a place, so there is one
reading. Policies are judged on that whole path, too. Namespaces are loaded when they are first
asked for and forgotten when they change; a server with many starts like one with none.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import mounts
from strongroom.core.auditing import Trail
from strongroom.core.namespaces import areas, record
from strongroom.core.namespaces.realm import Realm
from strongroom.core.policies.acl import ACL
from strongroom.core.router import Target
from strongroom.core.token_entry import TokenEntry
from strongroom.core.visit import Visit
from strongroom.errors import NotFound, PermissionDenied, Unavailable
from strongroom.framework import Caller, CanonicalPath, Mount, Request
from strongroom.framework.dispatch import Found

if TYPE_CHECKING:
    from strongroom.core.core import Core

IN_MEMORY = 512
UNLOCK = "sys/namespaces/api-lock/unlock"
SELF = frozenset(f"auth/token/{deed}-self" for deed in ("lookup", "renew", "revoke"))


class Namespaces:
    """Namespaces by uuid and by path; the least recently used are forgotten first."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self.root = Realm(core.engines, fixed=core.joined.mounts)
        self._realms: OrderedDict[str, Realm] = OrderedDict()
        self._uuids: dict[str, str] = {}
        self._changes = 0

    async def aim(self, request: Request) -> Target:
        """Where a request leads."""
        target = self.root.router.target(request.path, request.operation)
        if request.namespace or target.mount is None:
            return await self.enter(request, target)
        return target

    async def enter(self, request: Request, target: Target) -> Target:
        """Where a request leads that is not for a mount of the root namespace.

        The request then names its namespace, and its path is relative to it. While sealed only
        `target`, in the root namespace, is known. The target's realm is None where there is none.
        """
        if self._core.sealed:
            return target
        realm = await self.at(request.namespace) if request.namespace else self.root
        if realm is None:
            return Target(None, None, "", Found())
        path: str = request.path
        while realm.router.mount_of(path) is None:
            name, _, rest = path.partition("/")
            child = await self.at(f"{realm.prefix}{name}") if rest else None
            if child is None:
                break
            realm, path = child, rest
        request.namespace, request.path = realm.path, CanonicalPath(path)
        return realm.router.target(path, request.operation)

    async def admit(self, visit: Visit) -> None:
        """Let a request into its namespace, and its token out of the token's. Raises when it may not.

        What a token asks of itself (to be looked up, renewed, revoked) it asks in its own namespace.
        """
        request, session = visit.request, visit.session
        if session is not None and session.entry.namespace:
            home = await self.home(session.entry)
            visit.policies = home.policies
            if not request.namespace and request.path in SELF:
                request.namespace = home.path
                visit.target = home.router.target(request.path, request.operation)
                visit.trail = Trail(self._core.auditing, request, visit.target.mount, visit.target.derived)
                visit.trail.who(session)
        if request.namespace:
            _let_in(visit.target.realm, unlocking=request.path == UNLOCK)

    async def at(self, path: str) -> Realm | None:
        """The namespace at a whole path, loaded where need be; None when there is none."""
        realm = self._realms.get(self._uuids.get(path, ""))
        if realm is None:
            return await self._load(path)
        self._realms.move_to_end(realm.uuid)
        return realm

    async def of(self, uuid: str) -> Realm:
        """The namespace with this uuid, the root's when it is empty. Raises NotFound."""
        if not uuid:
            return self.root
        realm = self._realms.get(uuid)
        if realm is None:
            place = await self._core.barrier.begin().get(f"{areas.area(uuid)}{areas.PLACE}")
            realm = await self._load(place.decode()) if place else None
        if realm is None or realm.uuid != uuid:
            raise NotFound(record.GONE)
        return realm

    async def home(self, holder: Caller | TokenEntry) -> Realm:
        """The namespace of a token. Raises PermissionDenied when it is no more."""
        try:
            realm = await self.of(holder.namespace)
        except NotFound:
            raise PermissionDenied("permission denied") from None
        if realm.shut:
            raise PermissionDenied("permission denied")
        return realm

    async def check_open(self, uuid: str) -> None:
        """Raise NotFound when a namespace is no more, Unavailable while it is locked."""
        _let_in(await self.of(uuid))

    async def acl(self, tx: BarrierTransaction, holder: Caller | TokenEntry, now: float) -> ACL:
        """What a token may do, over whole paths. Raises PermissionDenied with its namespace gone."""
        home = await self.home(holder) if holder.namespace else self.root
        return await home.policies.acl(tx, holder.policies, now)

    async def keeping_time(self) -> list[Mount]:
        """Every mount, of any namespace, whose engine keeps time."""
        tx = self._core.barrier.begin()
        timed = await tx.scan(record.TIMED)
        realms = [self.root, *[await self.of(key.removeprefix(record.TIMED)) for key in timed]]
        kept = {kind for kind, engine in self._core.engines.items() if engine.keeps_time}
        every = [mount for realm in realms if not realm.shut for mount in realm.mounts.values()]
        return [mount for mount in every if mount.kind in kept and not mount.tainted]

    def policies_changed(self, realm: Realm) -> None:
        """Drop what was made of a namespace's policies."""
        if realm is self.root:
            realm.policies.changed()
        else:
            self.forget(realm.uuid)

    def adopt(self, realm: Realm, table: dict[str, Mount]) -> None:
        """Take a namespace's changed mount table, once it is durable."""
        if realm is self.root:
            realm.adopt(table)
        else:
            self.forget(realm.uuid)

    def forget(self, uuid: str) -> None:
        """Load a namespace again before it is next used: something of it changed."""
        self._changes += 1
        realm = self._realms.pop(uuid, None)
        if realm is not None:
            self._uuids.pop(realm.path, None)

    def close(self) -> None:
        """Forget everything at seal."""
        self.root.policies.changed()
        self.forget_below("")

    def forget_below(self, path: str) -> None:
        """Forget the namespace at a path and all below it; with no path, every one."""
        self._changes += 1
        inside = f"{path}/" if path else ""
        for known, uuid in list(self._uuids.items()):
            if known == path or known.startswith(inside):
                self.forget(uuid)

    async def _load(self, path: str) -> Realm | None:
        seen = self._changes
        tx = self._core.barrier.begin()
        entries = [await record.find(tx, above) for above in record.upwards(path)]
        namespace = entries[-1]
        if namespace is None:
            return None
        realm = Realm(
            self._core.engines,
            namespace,
            shut=any(entry is None or entry.deleting for entry in entries),
            locked=next((entry.path for entry in entries if entry is not None and entry.lock), ""),
        )
        realm.adopt(await mounts.load(View(tx, f"{areas.area(realm.uuid)}core/")))
        await tx.commit()
        if seen == self._changes:
            self._realms[realm.uuid] = realm
            self._uuids[path] = realm.uuid
            if len(self._realms) > IN_MEMORY:
                _, oldest = self._realms.popitem(last=False)
                self._uuids.pop(oldest.path, None)
        return realm


def _let_in(realm: Realm | None, *, unlocking: bool = False) -> None:
    if realm is None or realm.shut:
        raise NotFound(record.GONE)
    if realm.locked and not unlocking:
        raise Unavailable(
            f"the namespace '{realm.locked}/' is locked; nothing of it answers until it is unlocked"
        )
