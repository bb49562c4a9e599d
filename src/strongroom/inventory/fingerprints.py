"""The index: for each value a keyed name, a window's hash and tag, and a check of the whole.

`value/<id>` is a Value, `owner/<owner>` what an owner (a secret, an issued credential)
holds. No record has plaintext in it. A value that could be guessed has no window: it
counts for duplicates, and no scanner can ask for it.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property, partial

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from msgspec import Struct
from msgspec.structs import replace

from strongroom.barrier.view import View
from strongroom.crypto.mac import hmac_sha256
from strongroom.crypto.random import random_bytes
from strongroom.inventory.anchor import anchor
from strongroom.scanner.known import blinding
from strongroom.scanner.known.windows import SALT_BYTES, Salt, window_hash

PAGE = 1000
ID_BYTES = 8
SHORTEST = 8  # bytes of a value that counts as a duplicate of another
FORM = 1  # of the records: another one is made anew from its secret; 1: windows print, and have no space


class Keys(Struct, frozen=True, kw_only=True, dict=True):
    """The index's keys: the exchange's number, the key of ids, the public salt, its records' form."""

    scalar: bytes
    ids: bytes
    salt: bytes
    form: int = 0

    @cached_property
    def multiplier(self) -> EllipticCurvePrivateKey:
        """The exchange's number, ready to multiply with: made once, gone with the keys."""
        return blinding.scalar(int.from_bytes(self.scalar))

    def __repr__(self) -> str:
        return "Keys(…)"


class Value(Struct, frozen=True, array_like=True):
    """One distinct value. `owners` names who holds it, each with the names it has there."""

    owners: dict[str, tuple[str, ...]] = {}
    hash: int = 0
    tag: bytes = b""
    proof: bytes = b""
    before: int = 0
    length: int = 0
    check: bytes = b""
    holding: bytes = b""
    form: int = 0


class Owner(Struct, frozen=True):
    """What an owner holds: the id of each value by its name there."""

    values: dict[str, str] = {}


class Fresh(Struct, frozen=True):
    """What an owner holds by name, as (id, fingerprint); a note until the index has it."""

    values: dict[str, tuple[str, Value]] = {}


class Rows:
    """The filter's rows in memory, by value; `made` is what they are joined to, until one changes."""

    def __init__(self, stamp: str = "") -> None:
        self.by_id: dict[str, bytes] = {}
        self.made = b""
        self.stamp = stamp

    def change(self, changes: Mapping[str, bytes | None], before: str = "", after: str = "") -> None:
        """Take over durable changes. `stamp` names the last change, and stays behind where one was missed."""
        if before == self.stamp:
            self.stamp = after
        for id, row in changes.items():
            if row is None:
                self.by_id.pop(id, None)
            else:
                self.by_id[id] = row
            self.made = b""


class Fingerprints:
    """The index in one transaction: changes are collected in `rows` until it is durable.

    Each value is read once and written once (`save`), however many owners come and go.
    """

    def __init__(self, keys: Keys, view: View) -> None:
        self._keys = keys
        self._view = view
        self._values: dict[str, Value | None] = {}
        self._changed: dict[str, Value] = {}
        self.rows: dict[str, bytes | None] = {}

    async def hold(self, owner: str, values: Mapping[str, bytes]) -> None:
        """Let `owner` hold exactly these values by name; none forgets it."""
        wanted = {name: value for name, value in values.items() if len(value) >= SHORTEST}
        ids = {name: id_of(self._keys, value) for name, value in wanted.items()}
        await self._hold(owner, ids, lambda name: made(self._keys, wanted[name]))

    async def hold_made(self, owner: str, fresh: "Fresh") -> None:
        """The same for values that were made into fingerprints before."""
        ids = {name: id for name, (id, _) in fresh.values.items()}
        await self._hold(owner, ids, lambda name: fresh.values[name][1])

    def save(self) -> None:
        """Write the changed values."""
        for id, value in self._changed.items():
            if value.owners:
                self._view.put(f"value/{id}", value)
            else:
                self._view.delete(f"value/{id}")

    async def _value(self, id: str) -> Value | None:
        """A value as this transaction has left it; its owners are the transaction's own to change."""
        if id not in self._values:
            self._values[id] = await self._view.find(f"value/{id}", Value)
        return self._values[id]

    async def _hold(self, owner: str, ids: Mapping[str, str], make: Callable[[str], Value]) -> None:
        held = await self._view.find(f"owner/{owner}", Owner) or Owner()
        for id in dict.fromkeys(held.values.values()):
            if id not in ids.values():
                await self._drop(id, owner)
        for id in dict.fromkeys(ids.values()):
            names = tuple(name for name, other in ids.items() if other == id)
            await self._keep(id, partial(make, names[0]), owner, names)
        if ids:
            self._view.put(f"owner/{owner}", Owner(dict(ids)))
        else:
            self._view.delete(f"owner/{owner}")

    async def _keep(self, id: str, make: Callable[[], Value], owner: str, names: tuple[str, ...]) -> None:
        value = await self._value(id)
        if value is None or value.form < FORM:
            await asyncio.sleep(0)  # each takes a good part of a millisecond: requests go in between
            owners = value.owners if value else {}
            value = self._values[id] = self._changed[id] = replace(make(), owners=owners)
            self.rows[id] = row_of(id, value)
        if value.owners.get(owner) != names:
            value.owners[owner] = names
            self._changed[id] = value

    async def _drop(self, id: str, owner: str) -> None:
        value = await self._value(id)
        if value is None or owner not in value.owners:
            return
        del value.owners[owner]
        self._changed[id] = value
        if not value.owners:
            self._values[id] = self.rows[id] = None


def id_of(keys: Keys, value: bytes) -> str:
    """The keyed name of a value."""
    return hmac_sha256(keys.ids, value)[:ID_BYTES].hex()


def made(keys: Keys, raw: bytes) -> Value:
    """A value's fingerprint, without owners."""
    found = anchor(raw)
    if found is None:
        return Value(length=len(raw), form=FORM)
    key = blinding.multiplied(keys.multiplier, blinding.hashed(found.window))
    return Value(
        hash=window_hash(Salt.of(keys.salt), found.window),
        tag=blinding.tag(key),
        proof=blinding.proof(key),
        before=found.before,
        length=len(raw),
        check=blinding.check(key, raw),
        holding=blinding.holding(key, raw),
        form=FORM,
    )


def fresh(keys: Keys, values: Mapping[str, str]) -> Fresh:
    """The fingerprints of issued values by name; the short ones do not count."""
    raw = {name: value.encode() for name, value in values.items()}
    return Fresh({name: (id_of(keys, r), made(keys, r)) for name, r in raw.items() if len(r) >= SHORTEST})


def row_of(id: str, value: Value) -> bytes | None:
    """A value's row of the filter, None when it has no window."""
    return value.hash.to_bytes(8, "little") + value.tag + bytes.fromhex(id) if value.tag else None


def create() -> Keys:
    """Fresh keys."""
    number = 1 + int.from_bytes(random_bytes(40)) % (blinding.ORDER - 1)
    return Keys(scalar=number.to_bytes(32), ids=random_bytes(32), salt=random_bytes(SALT_BYTES), form=FORM)
