"""Keys the core keeps inside the barrier: token ids and tags, batch tokens, audit, checkpoints."""

import secrets

from msgspec import Struct

from strongroom.barrier.view import View

KEY = "keys"


class Keys(Struct, frozen=True, kw_only=True):
    """32 random bytes each, made once at initialisation."""

    token_id: bytes
    token_tag: bytes
    batch: bytes
    audit: bytes
    checkpoint: bytes

    def __repr__(self) -> str:
        return "Keys(…)"


def create(view: View) -> Keys:
    """Make and store fresh keys; `view` is the core's own part of the barrier."""
    keys = Keys(**{name: secrets.token_bytes(32) for name in Keys.__struct_fields__})
    view.put(KEY, keys)
    return keys
