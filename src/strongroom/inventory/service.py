"""The inventory's work beside the door: watching requests, keeping the index, writing down who reads.

A change leaves a note in its own transaction (`pending/…`), so no crash loses it; the
desk turns notes into index records now and then, so a secret that changes all the time
is looked at once. What asks the index first waits until no note is left, or is told to ask again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.core import Core
from strongroom.errors import InvalidRequest, RateLimited, Sealed, Unavailable
from strongroom.framework import Caller, Mount, Operation, Request, Response
from strongroom.inventory import indexing, known, secrets, usage
from strongroom.inventory.anchor import searchable
from strongroom.inventory.fingerprints import FORM, Keys, Rows, create, fresh
from strongroom.inventory.guard import Guard
from strongroom.inventory.indexing import AREA, Step
from strongroom.inventory.known import Consumer
from strongroom.inventory.references import Reference
from strongroom.inventory.usage import Usage
from strongroom.storage.contract import Conflict

log = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
FLUSH_READS = 4096
INDEX_SECONDS = 30.0  # between two looks at what has changed
READS_AT_ONCE = 64  # in one transaction, so that requests go in between
RERUNS = 64
PATIENCE = 20.0  # seconds that a question to the index waits for changes
BEHIND = "the fingerprint index is still taking in changes; ask again shortly"
ASKING = frozenset({Operation.READ, Operation.LIST, Operation.SCAN, Operation.HELP})
MOUNT = Mount(
    path="inventory/",
    kind="inventory",
    uuid="inventory",
    accessor="inventory_strongroom",
    description="owners, readers, age and fingerprints of secrets",
)


class Required(Struct, frozen=True):
    """The custom metadata that mounts want for each secret, by the mount's uuid."""

    fields: dict[str, tuple[str, ...]] = {}


class InventoryDesk:
    """One server's inventory. `attach` joins it to the core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.rows = Rows()
        self.gathered = usage.Gathered()
        self.guard = Guard(core.clock)
        self._keys: Keys | None = None
        self._work = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._loaded = False
        self._closing = False
        self._changed = False
        self._unmounted = True

    @property
    def keys(self) -> Keys:
        """The index's keys. Raises Sealed."""
        if self._keys is None:
            raise Sealed("the inventory is closed")
        return self._keys

    def attach(self) -> None:
        """Watch the core's requests; open and close with it."""
        core = self._core
        core.services["inventory"] = self
        core.joined.mounts[MOUNT.path] = MOUNT
        core.joined.changing.append(self.changing)
        core.joined.holding.append(self.holding)
        core.joined.searchable = searchable
        core.joined.observers.append(self.answered)
        core.openers.append(self.open)
        core.closers.append(self.close)

    async def changing(self, tx: BarrierTransaction, request: Request, mount: Mount) -> None:
        """Note a changed secret, in its own transaction. Raises InvalidRequest when facts are missing."""
        path = secrets.changed(mount, request) if mount.kind == secrets.KIND else ""
        if path:
            if request.operation is not Operation.DELETE:
                await self._check_facts(tx, mount, path)
            await indexing.note(tx, mount.uuid, path)

    async def _check_facts(self, tx: BarrierTransaction, mount: Mount, path: str) -> None:
        required = await self.required(tx, mount)
        key = await secrets.find(tx, mount, path) if required else None
        if key is None or key.latest is None:
            return
        custom = key.custom or {}
        missing = [name for name in required if not custom.get(name)]
        if missing:
            what = ", ".join(missing)
            raise InvalidRequest(f"'{mount.path}' wants custom metadata of each secret first: {what}")

    def answered(self, request: Request, mount: Mount, caller: Caller, response: Response) -> None:
        """Count a read; let the desk look for notes after a change."""
        if mount.kind == secrets.KIND:
            path = secrets.read(mount, request)
            if path:
                version = int(response.facts.get("version", 0))
                new = self.gathered.add(mount.uuid, path, version, caller, self._core.clock.now())
                if new and len(self.gathered) == FLUSH_READS:
                    self._work.set()
            elif request.operation not in ASKING:
                self._changed = True
        elif mount.kind == "system" and request.operation is Operation.DELETE:
            self._unmounted = self._changed = True

    async def consumers(self, tx: BarrierTransaction, mount_path: str, path: str) -> list[Consumer]:
        """Everyone who was seen reading the secret at `path` of a mount."""
        mount = self._core.mounts.get(mount_path)
        return await known.consumers(tx, self.gathered, mount, path) if mount else []

    async def readers(
        self, tx: BarrierTransaction, mount_path: str, path: str, version: int
    ) -> Mapping[str, float]:
        """When each identity last read a version; 0 for any version."""
        mount = self._core.mounts.get(mount_path)
        usage = await known.usage(tx, self.gathered, mount, path) if mount else Usage()
        last = {
            name: r.versions.get(version, 0.0) if version else r.last for name, r in usage.readers.items()
        }
        return {name: at for name, at in last.items() if at}

    async def facts(self, tx: BarrierTransaction, mount_path: str, path: str) -> Mapping[str, str]:
        """The facts of a secret that are set, such as its owner and classification."""
        mount = self._core.mounts.get(mount_path)
        return await known.facts(tx, mount, path) if mount else {}

    async def matches(self, tx: BarrierTransaction, rows: Sequence[str]) -> list[Reference]:
        """What found values are: `rows` are what the scanner reports as `known`."""
        mounts = list(self._core.mounts.values())
        return await known.matches(tx, mounts, rows, self._core.clock.now())

    def holding(self, tx: BarrierTransaction, mount: Mount, path: str, values: Mapping[str, str]) -> None:
        """Note what a mount has issued or taken back, in its own transaction: fingerprints, no values."""
        indexing.note_issued(tx, mount.uuid, path, fresh(self.keys, values))
        self._changed = True

    async def require(self, tx: BarrierTransaction, mount: Mount, fields: tuple[str, ...]) -> None:
        """Want these facts of each secret of a mount from now on; none to want nothing."""
        view = View(tx, AREA)
        required = await view.find("required", Required) or Required()
        changed = {uuid: names for uuid, names in required.fields.items() if uuid != mount.uuid}
        if fields:
            changed[mount.uuid] = fields
        view.put("required", Required(changed))

    async def required(self, tx: BarrierTransaction, mount: Mount) -> tuple[str, ...]:
        """The facts that a mount wants of each secret."""
        stored = await View(tx, AREA).find("required", Required) or Required()
        return stored.fields.get(mount.uuid, ())

    async def open(self) -> None:
        """Take keys and settings, and begin to work."""
        await self._retried(self._take_keys)
        self._loaded, self._unmounted, self._closing = False, True, False
        self._changed = True
        self._work.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _take_keys(self, tx: BarrierTransaction) -> None:
        view = View(tx, AREA)
        keys = await view.find("keys", Keys)
        if keys is None or keys.form < FORM:
            keys = replace(keys, form=FORM) if keys else create()
            view.put("keys", keys)
            await indexing.note_all(tx, self._core.mounts.values())
        self._keys = keys

    def outdated(self, row: str) -> None:
        """Another node changed the index, at `row`: load it again before it is next asked."""
        self._loaded = False

    async def close(self) -> None:
        """Write down what was gathered and forget the keys."""
        task, self._task = self._task, None
        if task is not None:
            self._closing = True  # not cancelled: a commit under way would be of unknown outcome
            self._work.set()
            await task
            async with self._turn:
                await self._flush()
        self._keys, self.rows = None, Rows()

    async def settled(self, patience: float | None = PATIENCE) -> Rows:
        """The rows, with every change up to now in them.

        Raises RateLimited when that takes longer, Sealed when the server closes before.
        """
        end = asyncio.get_running_loop().time() + patience if patience is not None else None
        try:
            async with asyncio.timeout_at(end):
                await self._turn.acquire()
        except TimeoutError:
            raise RateLimited(BEHIND) from None
        try:
            await self._load()
            if self._unmounted:
                self._unmounted = False
                await self._retried(lambda tx: indexing.note_unmounted(tx, self._core.mounts.values()))
            await self._take_notes(end)
            await self._load()
        finally:
            self._turn.release()
        return self.rows

    async def _load(self) -> None:
        """Read the rows, unless they are those of the last change: another node may have made it."""
        stamp = await indexing.stamp(self._core.barrier.begin())
        if not self._loaded or stamp != self.rows.stamp:
            self.rows = Rows(stamp)
            self._loaded = True
            await indexing.load(self._core.barrier.begin, self.rows)

    async def _take_notes(self, end: float | None) -> None:
        after = ""  # what is noted behind it meanwhile is for the next time
        while noted := await indexing.notes(self._core.barrier.begin(), after):
            self._go_on(end)
            mounts, now = self._core.mounts.values(), self._core.clock.now()
            await self._retried(indexing.indexing(self.keys, mounts, noted, now))
            after = noted[0]  # the others are gone as well, unless it was too much at once
        while issued := await indexing.issued(self._core.barrier.begin()):
            self._go_on(end)
            await self._retried(indexing.indexing_issued(self.keys, issued))

    def _go_on(self, end: float | None) -> None:
        if self._closing:
            raise Sealed("the inventory is closing")
        if end is not None and asyncio.get_running_loop().time() > end:
            raise RateLimited(BEHIND)

    async def flush(self) -> None:
        """Write down the reads gathered so far."""
        async with self._turn:
            await self._flush()

    async def _flush(self) -> None:
        for _ in range(len(self.gathered) // READS_AT_ONCE + 1 if self.gathered else 0):
            taken = self.gathered.take(READS_AT_ONCE)
            try:
                await self._retried(partial(self._write_down, taken))
            except BaseException:
                self.gathered.put_back(taken)
                raise

    async def _write_down(self, taken: usage.Gathered, tx: BarrierTransaction) -> None:
        await usage.write(View(tx, AREA), taken, self._core.clock.now())

    async def _run(self) -> None:
        clock, due = asyncio.get_running_loop().time, 0.0
        while not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), FLUSH_SECONDS)
            self._work.clear()
            try:
                if self._changed and clock() >= due and not self._closing:
                    self._changed = False
                    await self.settled(patience=None)
                    due = clock() + INDEX_SECONDS
                await self.flush()
            except Sealed:
                return
            except Unavailable as error:
                log.warning("the inventory could not be kept (%s); it goes on", error)
            except Exception:
                log.exception("the inventory could not be kept; it goes on")

    async def _retried(self, step: Step) -> None:
        """Run one transaction until nothing comes between; then take over the rows it changed."""
        for _ in range(RERUNS):
            tx = self._core.barrier.begin()
            changes = await step(tx)
            before, after = await indexing.stamped(tx) if changes else ("", "")
            try:
                await tx.commit()
            except Conflict:
                continue
            if changes:
                self.rows.change(changes, before, after)
            return
        raise RateLimited("too many concurrent changes to the inventory; try again")
