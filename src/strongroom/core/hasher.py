"""Keyed hashes in place of values: all that the audit log shows of data.

Every leaf is replaced, numbers included; keys of maps stay. The same key answers
`sys/audit-hash`, so that an auditor can ask whether a known value was seen.
"""

from collections.abc import Mapping
from enum import Enum
from hashlib import blake2b
from typing import Any

import msgspec

from strongroom.crypto.mac import Mac
from strongroom.crypto.random import random_bytes
from strongroom.sensitive import Sensitive
from strongroom.storage.cache import Cache

UNAVAILABLE = "hmac-unavailable"
_PREFIX = "hmac-sha256:"
_SMALL = 100
_KEPT_BYTES = 4 * 2**20
_SCALARS = frozenset({bool, int, float})
_encode = msgspec.json.Encoder().encode


class Hasher:
    """Replaces values by `hmac-sha256:…` under the audit key; without a key nothing is shown at all."""

    __slots__ = ("_common", "_kept", "_kept_by", "raw")

    def __init__(self, key: bytes) -> None:
        # Hashes a whole body, as the hash of its text where it is UTF-8.
        self.raw = Mac(key, _PREFIX).hex if key else _unavailable
        self._kept = Cache(_KEPT_BYTES if key else 0)  # a cache of no bytes keeps nothing
        self._kept_by = random_bytes(32)
        # What every answer holds (no text, yes, no, a small version number) is hashed once.
        self._common = {text: self.text(text) for text in ("", "true", "false", *map(str, range(_SMALL)))}

    def text(self, value: str) -> str:
        """Hash one text."""
        return self.raw(value.encode("utf-8", "surrogatepass"))

    def hide(self, value: Any) -> Any:
        """Hash every leaf of a JSON-like value; null stays, an unknown type is named, not shown."""
        kind = type(value)
        if kind is str:
            return self._common.get(value) or self.text(value)
        if value is None:
            return None
        if kind is dict:
            return self.members(value)
        if kind is list or kind is tuple:
            return [self.text(member) if type(member) is str else self.hide(member) for member in value]
        if kind in _SCALARS:
            text = _encode(value).decode()
            return self._common.get(text) or self.text(text)
        return self.hide(_opened(value))

    def shown(self, value: Any, encoded: bytes) -> bytes:
        """`hide` as JSON; what is given out again is not hashed leaf by leaf again.

        `encoded` is the value as JSON. Kept are hashes only, by a keyed hash of the whole (BLAKE2:
        a third of HMAC's time, and nobody else need know it).
        """
        whole = blake2b(encoded, key=self._kept_by, digest_size=32).hexdigest()
        return self._kept.get(whole, lambda _: _encode(self.hide(value))) or b"null"

    def members(self, fields: Mapping[str, Any], plain: tuple[str, ...] = ()) -> dict[str, Any]:
        """Hash a map's leaves, but leave the members named in `plain` as they are."""
        common, raw, hide = self._common, self.raw, self.hide
        hidden: dict[str, Any] = {}
        for name, value in fields.items():
            if plain and name in plain:
                hidden[name] = value
            elif (
                type(value) is str
            ):  # as `hide` does it: most leaves are text, and a call costs as much again
                hidden[name] = common.get(value) or raw(value.encode("utf-8", "surrogatepass"))
            else:
                hidden[name] = hide(value)
        return hidden


def _unavailable(_: bytes) -> str:
    return UNAVAILABLE


def _opened(value: Any) -> Any:
    """A wrapped value as plain JSON-like parts; of an unknown type only its name."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, Sensitive):
        return value.reveal()
    if isinstance(value, msgspec.Struct | Enum):
        return msgspec.to_builtins(value)
    return type(value).__name__
