"""The index: for each value a keyed name, a window's hash and tag, and a check of the whole.

`value/<id>` is a Value, `owner/<owner>` what an owner (a secret, an issued credential)
holds. No record has plaintext in it. A value that could be guessed has no window: it
counts for duplicates, and no scanner can ask for it.
"""

import asyncio
from collections.abc import Mapping

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


class Keys(Struct, frozen=True, kw_only=True):
    """The index's keys: the exchange's number, the key of ids, the public salt."""

    scalar: bytes
    ids: bytes
    salt: bytes

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


class Owner(Struct, frozen=True):
    """What an owner holds: the id of each value by its name there."""

    values: dict[str, str] = {}


class Rows:
    """The filter's rows in memory, by value; `made` is what they are joined to, until one changes."""

    def __init__(self) -> None:
        self.by_id: dict[str, bytes] = {}
        self.made = b""

    def change(self, changes: Mapping[str, bytes | None]) -> None:
        """Take over durable changes."""
        for id, row in changes.items():
            if row is None:
                self.by_id.pop(id, None)
            else:
                self.by_id[id] = row
            self.made = b""


class Fingerprints:
    """The index in one transaction: changes are collected in `rows` until it is durable."""

    def __init__(self, keys: Keys, view: View) -> None:
        self._keys = keys
        self._view = view
        self.rows: dict[str, bytes | None] = {}

    async def hold(self, owner: str, values: Mapping[str, bytes]) -> None:
        """Let `owner` hold exactly these values by name; none forgets it."""
        held = await self._view.find(f"owner/{owner}", Owner) or Owner()
        wanted = {name: value for name, value in values.items() if len(value) >= SHORTEST}
        ids = {name: self.id_of(value) for name, value in wanted.items()}
        for id in dict.fromkeys(held.values.values()):
            if id not in ids.values():
                await self._drop(id, owner)
        for id in dict.fromkeys(ids.values()):
            names = tuple(name for name, other in ids.items() if other == id)
            await self._keep(id, wanted[names[0]], owner, names)
        if ids:
            self._view.put(f"owner/{owner}", Owner(ids))
        else:
            self._view.delete(f"owner/{owner}")

    async def add(self, value: str, owner: str, name: str = "") -> None:
        """Let `owner` hold one value more: an issued credential."""
        held = await self._view.find(f"owner/{owner}", Owner) or Owner()
        raw = value.encode()
        id = self.id_of(raw)
        if held.values.get(name) != id and len(raw) >= SHORTEST:
            await self._keep(id, raw, owner, (name,))
            self._view.put(f"owner/{owner}", Owner({**held.values, name: id}))

    def id_of(self, value: bytes) -> str:
        """The keyed name of a value."""
        return hmac_sha256(self._keys.ids, value)[:ID_BYTES].hex()

    async def _keep(self, id: str, raw: bytes, owner: str, names: tuple[str, ...]) -> None:
        value = await self._view.find(f"value/{id}", Value)
        if value is None:
            await asyncio.sleep(0)  # each takes a good part of a millisecond: requests go in between
            value = self._made(raw)
            self.rows[id] = row_of(id, value)
        if value.owners.get(owner) != names:
            self._view.put(f"value/{id}", replace(value, owners={**value.owners, owner: names}))

    async def _drop(self, id: str, owner: str) -> None:
        value = await self._view.find(f"value/{id}", Value)
        if value is None or owner not in value.owners:
            return
        owners = {other: names for other, names in value.owners.items() if other != owner}
        if owners:
            self._view.put(f"value/{id}", replace(value, owners=owners))
        else:
            self._view.delete(f"value/{id}")
            self.rows[id] = None

    def _made(self, raw: bytes) -> Value:
        found = anchor(raw)
        if found is None:
            return Value(length=len(raw))
        scalar = blinding.scalar(int.from_bytes(self._keys.scalar))
        key = blinding.multiplied(scalar, blinding.hashed(found.window))
        return Value(
            hash=window_hash(Salt.of(self._keys.salt), found.window),
            tag=blinding.tag(key),
            proof=blinding.proof(key),
            before=found.before,
            length=len(raw),
            check=blinding.check(key, raw),
            holding=blinding.holding(key, raw),
        )


def row_of(id: str, value: Value) -> bytes | None:
    """A value's row of the filter, None when it has no window."""
    return value.hash.to_bytes(8, "little") + value.tag + bytes.fromhex(id) if value.tag else None


def create(view: View) -> Keys:
    """Make and store fresh keys."""
    number = 1 + int.from_bytes(random_bytes(40)) % (blinding.ORDER - 1)
    keys = Keys(scalar=number.to_bytes(32), ids=random_bytes(32), salt=random_bytes(SALT_BYTES))
    view.put("keys", keys)
    return keys
