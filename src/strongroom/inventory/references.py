"""What a value of the index belongs to: a version of a secret, or something that was issued.

Owners are named `kv/<mount's uuid>/<path>` and `held/<mount's uuid>/<path>`; what an owner
holds is named by version and field.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.framework import Mount
from strongroom.inventory import secrets

KV, HELD = "kv", "held"
Kind = Literal["kv", "token", "credential"]


class Reference(NamedTuple):
    """One place of a value. `version` is 0 where there are none; a token's `path` is its accessor.

    `created` is when the version was made (RFC 3339): a secret that is erased and written anew begins at 1.
    `mount_uuid` tells the mount also where it was moved to another path.
    """

    mount: str
    path: str
    version: int = 0
    field: str = ""
    kind: Kind = "kv"
    created: str = ""
    mount_uuid: str = ""

    @property
    def shown(self) -> str:
        """For people: `secret/app version 3, field password`."""
        if self.kind == "token":
            return f"the token with accessor {self.path}"
        version = f" version {self.version}," if self.version else ""
        return f"{self.mount}{self.path}{version} field {self.field}"


async def live(
    tx: BarrierTransaction, mounts: Iterable[Mount], owner: str, names: Iterable[str], now: float
) -> list[Reference]:
    """The references to what an owner holds by these names, as far as it is usable now."""
    kind, uuid, path = owner.split("/", 2)
    mount = next((mount for mount in mounts if mount.uuid == uuid), None)
    if mount is None:
        return []
    if kind == HELD:
        return [Reference(mount.path, path, 0, name, "credential", mount_uuid=uuid) for name in names]
    usable = {version.number: version.created for version in await secrets.live(tx, mount, path, now)}
    split = [(int(number), field) for number, _, field in (name.partition(" ") for name in names)]
    return [
        Reference(mount.path, path, number, field, created=usable[number], mount_uuid=uuid)
        for number, field in split
        if number in usable
    ]
