"""A secret's settings and facts, and the listings."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from strongroom.clock import rfc3339
from strongroom.engines.kv.record import (
    Config,
    Key,
    duration,
    erased,
    fresh,
    go_duration,
    key_facts,
    meta_key,
    writable_path,
)
from strongroom.errors import CasMismatch, InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Response

MAX_CUSTOM = 64
MAX_CUSTOM_KEY = 128
MAX_CUSTOM_VALUE = 512
PAGE = 1000
CAS_OVERRULED = "'cas_required' is false here, but the mount's configuration requires it all the same"

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class At(Fields, frozen=True):
    """A secret's path."""

    path: str


class Page(Fields, frozen=True):
    """A folder, and the page of it that is wanted; a `limit` of 0 or less is all."""

    path: str
    after: str = ""
    limit: int = 0


class Settings(Fields, frozen=True):
    """A secret's settings. Absent members stay; null resets."""

    path: str = ""
    max_versions: Count | UnsetType | None = UNSET
    cas_required: bool | UnsetType | None = UNSET
    delete_version_after: int | float | str | UnsetType | None = UNSET
    custom_metadata: dict[str, Any] | UnsetType | None = UNSET
    metadata_cas_required: bool | UnsetType | None = UNSET
    metadata_cas: Count | None = None


class WriteConfig(Fields, frozen=True):
    """The mount's settings. Absent members stay."""

    max_versions: Count | UnsetType | None = UNSET
    cas_required: bool | UnsetType | None = UNSET
    delete_version_after: int | float | str | UnsetType | None = UNSET
    metadata_cas_required: bool | UnsetType | None = UNSET


async def metadata_exists(ctx: Context, req: At) -> bool:
    """Whether a write updates."""
    return await ctx.storage.holds(meta_key(req.path))  # the handler opens it


async def read_metadata(ctx: Context, req: At) -> Response:
    """Give out the settings and every version's facts."""
    key = await ctx.storage.find(meta_key(req.path), Key)
    if key is None:
        raise NotFound
    return Response(key_facts(key), good_until=math.inf)


async def write_metadata(ctx: Context, req: Settings) -> Response:
    """Set the settings given; custom metadata is replaced whole."""
    path = writable_path(ctx, req.path)
    key = await ctx.storage.find(meta_key(path), Key) or fresh(ctx.now())
    given = req.custom_metadata
    custom = _checked_custom(_plain(given)) if isinstance(given, dict) else key.custom
    return await _save(ctx, path, key, req, custom)


async def patch_metadata(ctx: Context, req: Settings) -> Response:
    """Set the settings given; null resets one, and custom metadata is merged."""
    path = writable_path(ctx, req.path)
    key = await ctx.storage.find(meta_key(path), Key)
    if key is None:
        raise NotFound
    custom = key.custom
    if req.custom_metadata is None:
        custom = None
    elif isinstance(req.custom_metadata, dict):
        removed = {name for name, value in req.custom_metadata.items() if value is None}
        added = _plain({k: v for k, v in req.custom_metadata.items() if v is not None})
        kept = {name: value for name, value in (key.custom or {}).items() if name not in removed}
        custom = _checked_custom({**kept, **added})
    return await _save(ctx, path, key, req, custom)


async def delete_metadata(ctx: Context, req: At) -> Response:
    """Erase the secret: every version, its facts, its settings."""
    key = await ctx.storage.find(meta_key(req.path), Key)
    if key is not None:
        erased(ctx.storage, req.path, key, key.versions)
        ctx.storage.delete(meta_key(req.path))
    return Response()


async def list_metadata(ctx: Context, req: Page) -> Response:
    """List a folder's secrets, and its folders with a slash."""
    keys = await ctx.storage.list(_folder(req.path), req.after, max(req.limit, 0))
    if not keys:
        raise NotFound
    return Response({"keys": keys})


async def list_detailed(ctx: Context, req: Page) -> Response:
    """List a folder with each secret's facts."""
    folder = _folder(req.path)
    keys = await ctx.storage.list(folder, req.after, max(req.limit, 0))
    if not keys:
        raise NotFound
    found = {name: await ctx.storage.find(folder + name, Key) for name in keys if not name.endswith("/")}
    facts = {name: key_facts(key) for name, key in found.items() if key}
    return Response({"keys": keys, "key_info": {name: facts.get(name, {}) for name in keys}})


async def scan_metadata(ctx: Context, req: Page) -> Response:
    """List everything below a folder, as paths from it."""
    folder = _folder(req.path)
    found: list[str] = []
    after = folder + req.after if req.after else ""
    while True:
        size = min(PAGE, req.limit - len(found)) if req.limit > 0 else PAGE
        keys = await ctx.storage.keys(folder, after, size) if size else []
        found += [key.removeprefix(folder) for key in keys]
        if not keys or len(keys) < size:
            return Response({"keys": found} if found else {})
        after = keys[-1]


async def read_config(ctx: Context, req: Nothing) -> Response:
    """Give out the mount's settings."""
    config = await ctx.storage.find("config", Config) or Config()
    return Response(
        {
            "cas_required": config.cas_required,
            "delete_version_after": go_duration(config.delete_version_after),
            "max_versions": config.max_versions,
            "metadata_cas_required": config.metadata_cas_required,
        }
    )


async def write_config(ctx: Context, req: WriteConfig) -> Response:
    """Set the mount's settings that are given."""
    config = await ctx.storage.find("config", Config) or Config()
    ctx.storage.put("config", replace(config, **_changes(req)))
    return Response()


async def _save(ctx: Context, path: str, key: Key, req: Settings, custom: dict[str, str] | None) -> Response:
    config = await ctx.storage.find("config", Config) or Config()
    if req.metadata_cas is None and (key.metadata_cas_required or config.metadata_cas_required):
        raise InvalidRequest("metadata check-and-set parameter required for this call")
    if req.metadata_cas is not None and req.metadata_cas != key.revision:
        raise CasMismatch("metadata check-and-set parameter did not match the current version")
    changes = _changes(req)
    if changes or req.custom_metadata is not UNSET:
        changes |= {"custom": custom or None, "updated": rfc3339(ctx.now()), "revision": key.revision + 1}
        ctx.storage.put(meta_key(path), replace(key, **changes))
    overruled = config.cas_required and req.cas_required is False
    return Response(warnings=(CAS_OVERRULED,) * overruled)


def _changes(req: Settings | WriteConfig) -> dict[str, Any]:
    """The settings that the request names; null stands for the default."""
    found: dict[str, Any] = {}
    for name in ("max_versions", "cas_required", "metadata_cas_required"):
        value = getattr(req, name)
        if value is not UNSET:
            found[name] = value or (0 if name == "max_versions" else False)
    after = req.delete_version_after
    if not isinstance(after, UnsetType):
        try:
            found["delete_version_after"] = duration(after or 0)
        except InvalidRequest as error:
            raise InvalidRequest(f"field 'delete_version_after': {error}") from None
    return found


def _plain(custom: Mapping[str, Any]) -> dict[str, str]:
    """Custom metadata as text; raises InvalidRequest for anything that is no scalar."""
    if not all(isinstance(value, str | int | float) for value in custom.values()):
        raise InvalidRequest("custom_metadata validation failed: values are text")
    return {name: str(value) for name, value in custom.items()}


def _checked_custom(custom: dict[str, str]) -> dict[str, str]:
    """Hold custom metadata to Vault's limits."""
    problem = ""
    if len(custom) > MAX_CUSTOM:
        problem = f"payload must contain at most {MAX_CUSTOM} keys, provided {len(custom)}"
    elif not all(0 < len(name.encode()) <= MAX_CUSTOM_KEY for name in custom):
        problem = f"a key must have 1 to {MAX_CUSTOM_KEY} bytes"
    elif not all(0 < len(value.encode()) <= MAX_CUSTOM_VALUE for value in custom.values()):
        problem = f"a value must have 1 to {MAX_CUSTOM_VALUE} bytes"
    elif not all(name.isprintable() and value.isprintable() for name, value in custom.items()):
        problem = "a key or value contains unprintable characters"
    if problem:
        raise InvalidRequest(f"custom_metadata validation failed: {problem}")
    return custom


def _folder(path: str) -> str:
    return meta_key(f"{path}/" if path else "")
