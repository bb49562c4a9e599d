"""A view: the part of a barrier transaction below a prefix, with typed values.

An engine sees only its own view, so no key it builds can reach outside its mount.
"""

from typing import TypeVar

from msgspec import Struct, msgpack

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import NotFound

T = TypeVar("T")
_ENCODE = msgpack.Encoder().encode
_DECODERS: dict[object, msgpack.Decoder[object]] = {}
_LAST = "\U0010ffff"
_FIRST_STEP = 16
_STEP_AFTER_FOLDER = 2
_LARGEST_STEP = 1024


class View:
    """Keys are relative to the prefix; values are msgpack of the struct named."""

    __slots__ = ("_prefix", "_tx")

    def __init__(self, tx: BarrierTransaction, prefix: str) -> None:
        self._tx = tx
        self._prefix = prefix

    async def get(self, key: str, kind: type[T]) -> T:
        """Return the value at `key`. Raises NotFound."""
        value = await self.find(key, kind)
        if value is None:
            raise NotFound(f"nothing is stored at {self._prefix}{key}")
        return value

    async def find(self, key: str, kind: type[T]) -> T | None:
        """Return the value at `key`, or None."""
        raw = await self._tx.get(self._prefix + key)
        return None if raw is None else _decoder(kind).decode(raw)

    async def find_bytes(self, key: str) -> bytes | None:
        """Return the bytes at `key`, or None."""
        return await self._tx.get(self._prefix + key)

    async def holds(self, key: str) -> bool:
        """Whether something is stored at `key`, not opened: only for what is read before it counts."""
        return await self._tx.holds(self._prefix + key)

    def put(self, key: str, value: Struct) -> None:
        """Buffer a write."""
        self._tx.put(self._prefix + key, _ENCODE(value))

    def put_bytes(self, key: str, value: bytes) -> None:
        """Buffer a write of bytes as they are."""
        self._tx.put(self._prefix + key, value)

    def delete(self, key: str) -> None:
        """Buffer a deletion."""
        self._tx.delete(self._prefix + key)

    def sub(self, prefix: str) -> "View":
        """Return the view below `prefix`, which normally ends with `/`."""
        return View(self._tx, self._prefix + prefix)

    async def keys(self, prefix: str = "", after: str = "", limit: int = 1000) -> list[str]:
        """Return up to `limit` whole keys below `prefix` that sort after `after`, relative to this view."""
        cut = len(self._prefix)
        bound = self._prefix + after if after else ""
        return [key[cut:] for key in await self._tx.scan(self._prefix + prefix, bound, limit)]

    async def list(self, prefix: str = "", after: str = "", limit: int = 0) -> list[str]:
        """Return the children of `prefix`: leaves, and folders ending with `/`, in order.

        `after` is a child as returned before; a `limit` of 0 means all. A folder
        costs one step however much it holds.
        """
        base = self._prefix + prefix
        children: list[str] = []
        bound = _beyond(base, after)
        step = _FIRST_STEP
        while True:
            found = await self._tx.scan(base, bound, step)
            _collect(children, found, len(base), after)
            if 0 < limit <= len(children):
                return children[:limit]
            if len(found) < step:
                return children
            last = children[-1] if children else after
            inside = last.endswith("/") and found[-1].startswith(base + last)
            bound = max(found[-1], base + last + _LAST) if inside else found[-1]
            step = _STEP_AFTER_FOLDER if inside else min(step * 4, _LARGEST_STEP)


def _collect(children: "list[str]", found: "list[str]", cut: int, after: str) -> None:
    """Append the child each key lies under, once; keys arrive in order, so children only grow."""
    newest = children[-1] if children else after
    for key in found:
        rest = key[cut:]
        end = rest.find("/") + 1
        child = rest[:end] if end else rest
        if child > newest:
            children.append(child)
            newest = child


def _beyond(base: str, after: str) -> str:
    if not after:
        return ""
    return base + after + _LAST if after.endswith("/") else base + after


def _decoder(kind: type[T]) -> msgpack.Decoder[T]:
    try:
        return _DECODERS[kind]  # type: ignore[return-value]  # the table maps each type to its own decoder
    except KeyError:
        decoder = msgpack.Decoder(kind)
        _DECODERS[kind] = decoder  # type: ignore[assignment]  # same
        return decoder
