"""What the versioned key-value engine stores, and how it looks on the wire.

`meta/<path>` holds a Key with the current version's text inside, so that a read is
one get, and the older versions' texts while they are short, so that a write is one put.
Longer ones lie at `data/<path>/<number>`. `config` is the mount's.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from strongroom.barrier.view import View
from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest
from strongroom.framework import Context
from strongroom.framework.wire import seconds

DEFAULT_MAX_VERSIONS = 10
NEVER = -1
MAX_REASON = 512
INSIDE_BYTES = 2048
"""What a Key holds of older texts at most: with its facts it then fits into one page of the store."""


class Config(Struct, frozen=True):
    """The mount's settings; 0 versions means ten, `delete_version_after` -1 switches expiry off."""

    max_versions: int = 0
    cas_required: bool = False
    delete_version_after: int = 0
    metadata_cas_required: bool = False


class Version(Struct, frozen=True, array_like=True):
    """One version's facts. `deletion` is when it is (or will be) deleted, 0 never.

    `label` is `current` or `previous` while a rotation plan keeps two versions valid.
    """

    created: str
    deletion: float = 0.0
    destroyed: bool = False
    by: str = ""
    entity_id: str = ""
    reason: str = ""
    label: str = ""

    def gone(self, now: float) -> bool:
        """Whether its data may not be given out."""
        return self.destroyed or 0 < self.deletion <= now

    @property
    def there_until(self) -> float:
        """When data that may be given out now is gone by the clock alone."""
        return self.deletion or math.inf


class Head(Struct, frozen=True, array_like=True):
    """The front of a stored Key: all that reading the current version needs.

    `data` is that version's JSON text, None once destroyed.
    """

    current: int = 0
    latest: Version | None = None
    data: bytes | None = None
    custom: dict[str, str] | None = None


class Key(Head, frozen=True, array_like=True):
    """A secret's versions and settings. `older` is all but the latest; `revision` counts settings' writes.

    `texts` are the older versions' that are not kept apart.
    """

    created: str = ""
    updated: str = ""
    oldest: int = 0
    older: dict[int, Version] = {}
    max_versions: int = 0
    cas_required: bool = False
    delete_version_after: int = 0
    revision: int = 0
    metadata_cas_required: bool = False
    texts: dict[int, bytes] = {}

    @property
    def versions(self) -> dict[int, Version]:
        """Every version by number."""
        return {**self.older, self.current: self.latest} if self.latest else dict(self.older)


def with_versions(key: Key, versions: Mapping[int, Version], **changes: Any) -> Key:
    """The key with these versions; the current number stays."""
    older = dict(versions)
    return replace(key, latest=older.pop(key.current, None), older=older, **changes)


def fresh(now: float) -> Key:
    """A key without versions."""
    created = rfc3339(now)
    return Key(created=created, updated=created)


def meta_key(path: str) -> str:
    """Where a secret's Key is."""
    return f"meta/{path}"


def data_key(path: str, number: int) -> str:
    """Where an older version's text is. The number is the last segment, so no two paths share one."""
    return f"data/{path}/{number}"


async def text_of(storage: View, path: str, key: Key, number: int) -> bytes | None:
    """A version's text, None when there is none. The caller sees to it that the version is not deleted."""
    if number == key.current:
        return key.data
    return key.texts.get(number) or await storage.find_bytes(data_key(path, number))


def erased(storage: View, path: str, key: Key, numbers: Iterable[int]) -> Key:
    """The key without the texts of these versions, which it must have."""
    texts, text = dict(key.texts), key.data
    for number in numbers:
        if number == key.current:
            text = None
        elif texts.pop(number, None) is None:
            storage.delete(data_key(path, number))
    return replace(key, data=text, texts=texts)


def with_version(ctx: Context, path: str, key: Key, config: Config, text: bytes, reason: str) -> Key:
    """Add a version, set the one before aside, and drop those over the limit."""
    now, number, caller = ctx.now(), key.current + 1, ctx.caller
    created = rfc3339(now)
    after = lifetime(config.delete_version_after, key.delete_version_after)
    latest = Version(
        created, now + after if after else 0.0, False, caller.display_name, caller.entity_id, reason
    )
    kept = key.max_versions or config.max_versions or DEFAULT_MAX_VERSIONS
    oldest = max(key.oldest, number - kept + 1, 0)
    older, texts = _set_aside(ctx.storage, path, key, oldest)
    return replace(
        key,
        current=number,
        latest=latest,
        data=text,
        updated=created,
        oldest=oldest,
        older=older,
        texts=texts,
    )


def _set_aside(
    storage: View, path: str, key: Key, oldest: int
) -> tuple[dict[int, Version], dict[int, bytes]]:
    """The older versions once a newer one comes, from `oldest` on, and their texts."""
    older, texts = dict(key.older), dict(key.texts)
    for number in [number for number in older if number < oldest]:
        version = older.pop(number)
        if texts.pop(number, None) is None and not version.destroyed:
            storage.delete(data_key(path, number))
    if key.latest is not None and key.current >= oldest:
        older[key.current] = replace(key.latest, label="") if key.latest.label else key.latest
        if key.data is not None:
            if len(key.data) + sum(map(len, texts.values())) <= INSIDE_BYTES:
                texts[key.current] = key.data
            else:
                storage.put_bytes(data_key(path, key.current), key.data)
    return older, texts


def lifetime(mount: int, key: int) -> int:
    """The seconds until a new version is deleted: the lesser of two, 0 for never."""
    if NEVER in (mount, key):
        return 0
    return min(mount, key) if mount and key else mount or key


def duration(value: object) -> int:
    """Read `delete_version_after`; anything negative means never."""
    if isinstance(value, str) and value.strip().startswith("-"):
        seconds(value.strip().removeprefix("-"))
        return NEVER
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return NEVER
    return seconds(value)


def go_duration(total: int) -> str:
    """Seconds in the form Go prints: `0s`, `1m30s`, `1h0m0s`."""
    if total < 0:
        return f"-{go_duration(-total)}"
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def version_facts(version: Version) -> dict[str, Any]:
    """A version as `metadata` lists it."""
    facts = {
        "created_time": version.created,
        "deletion_time": rfc3339(version.deletion) if version.deletion else "",
        "destroyed": version.destroyed,
        "created_by": {"name": version.by, "entity_id": version.entity_id},
        "reason": version.reason,
    }
    if version.label:
        facts["label"] = version.label
    return facts


def data_facts(version: Version, number: int, custom: dict[str, str] | None) -> dict[str, Any]:
    """A version as the data paths describe it."""
    facts = version_facts(version)
    facts["custom_metadata"], facts["version"] = custom, number
    return facts


def key_facts(key: Key) -> dict[str, Any]:
    """A key as `metadata` answers it."""
    return {
        "cas_required": key.cas_required,
        "created_time": key.created,
        "current_metadata_version": key.revision,
        "current_version": key.current,
        "custom_metadata": key.custom,
        "delete_version_after": go_duration(key.delete_version_after),
        "max_versions": key.max_versions,
        "metadata_cas_required": key.metadata_cas_required,
        "oldest_version": key.oldest,
        "updated_time": key.updated,
        "versions": {str(number): version_facts(version) for number, version in key.versions.items()},
    }


def reason_of(ctx: Context, options: Mapping[str, Any]) -> str:
    """Why the caller writes: `options.reason`, or the header `X-Strongroom-Reason`."""
    reason = options.get("reason") or ctx.request.headers.get("x-strongroom-reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON or not reason.isprintable():
        raise InvalidRequest(f"a reason is up to {MAX_REASON} printable characters")
    return reason


def writable_path(ctx: Context, path: str) -> str:
    """The path of a write; raises InvalidRequest where a folder is named."""
    if not path or ctx.request.path.endswith("/"):
        raise InvalidRequest("cannot write to a path ending in '/'")
    return path
