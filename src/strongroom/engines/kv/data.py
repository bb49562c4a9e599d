"""The versions' data: read, write, patch, delete, undelete, destroy, subkeys."""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from strongroom.engines.kv.merge import is_object, merge
from strongroom.engines.kv.record import (
    Config,
    Head,
    Key,
    data_facts,
    erased,
    fresh,
    meta_key,
    reason_of,
    text_of,
    with_version,
    with_versions,
    writable_path,
)
from strongroom.errors import CasMismatch, InvalidRequest, NotFound
from strongroom.framework import CommaList, Context, Fields, Response


class Body(Struct):
    """A write's body, decoded a second time to keep the data's text as sent."""

    data: Raw | UnsetType = UNSET
    options: dict[str, Any] | None = None


class At(Fields, frozen=True):
    """A secret's path."""

    path: str


class ReadData(Fields, frozen=True):
    """A version of a secret, by number or label; the current one without either."""

    path: str
    version: int = 0
    label: str = ""


class ReadSubkeys(Fields, frozen=True):
    """A version's structure, down to `depth` levels; 0 for all."""

    path: str
    version: int = 0
    depth: int = 0


class Versions(Fields, frozen=True):
    """Versions of a secret by number."""

    path: str
    versions: CommaList = ()


async def data_exists(ctx: Context, req: At) -> bool:
    """Whether a write updates: there is a secret, deleted or not."""
    return await ctx.storage.holds(meta_key(req.path))  # the handler opens it


async def read_data(ctx: Context, req: ReadData) -> Response:
    """Give out one version's data with its facts."""
    number = await _labelled(ctx, req) if req.label else req.version
    facts, text, until = await _version(ctx, req.path, number)
    if text is None:
        raise NotFound(data={"data": None, "metadata": facts})
    data = {"data": Raw(text), "metadata": facts}
    return Response(data, facts={"version": facts["version"]}, good_until=until)


async def read_subkeys(ctx: Context, req: ReadSubkeys) -> Response:
    """Give out a version's structure, its values replaced by null."""
    facts, text, until = await _version(ctx, req.path, req.version)
    if text is None:
        raise NotFound(data={"subkeys": None, "metadata": facts})
    data = {"subkeys": _structure(msgspec.json.decode(text), abs(req.depth)), "metadata": facts}
    return Response(data, facts={"version": facts["version"]}, good_until=until)


async def write_data(ctx: Context, req: At) -> Response:
    """Store a new version."""
    path = writable_path(ctx, req.path)
    text, options = _body(ctx)
    key = await ctx.storage.find(meta_key(path), Key) or fresh(ctx.now())
    return _store(ctx, path, key, await _checked_config(ctx, key, options), text, options)


async def patch_data(ctx: Context, req: At) -> Response:
    """Store a new version: the current one with a merge patch applied."""
    path = writable_path(ctx, req.path)
    patch, options = _body(ctx)
    key = await ctx.storage.find(meta_key(path), Key)
    if key is None:
        raise NotFound
    config = await _checked_config(ctx, key, options)
    if key.latest is None:
        raise NotFound
    if key.latest.gone(ctx.now()):
        raise NotFound(data=data_facts(key.latest, key.current, key.custom))
    return _store(ctx, path, key, config, merge(key.data or b"null", patch), options)


async def delete_current(ctx: Context, req: At) -> Response:
    """Mark the current version deleted; it can come back."""
    key = await ctx.storage.find(meta_key(req.path), Key)
    return _delete(ctx, req.path, key, [key.current]) if key is not None else Response()


async def delete_versions(ctx: Context, req: Versions) -> Response:
    """Mark versions deleted; they can come back."""
    numbers = _numbers(req)
    key = await ctx.storage.find(meta_key(req.path), Key)
    return _delete(ctx, req.path, key, numbers) if key is not None else Response()


async def undelete_versions(ctx: Context, req: Versions) -> Response:
    """Bring deleted versions back, unless they are destroyed."""
    numbers = _numbers(req)
    key = await ctx.storage.find(meta_key(req.path), Key)
    if key is None:
        return Response()
    versions = key.versions
    back = [number for number in numbers if number in versions and not versions[number].destroyed]
    for number in back:
        versions[number] = replace(versions[number], deletion=0.0)
    ctx.storage.put(meta_key(req.path), with_versions(key, versions))
    return _changed(back)


async def destroy_versions(ctx: Context, req: Versions) -> Response:
    """Erase versions' data for good; their facts stay."""
    numbers = _numbers(req)
    key = await ctx.storage.find(meta_key(req.path), Key)
    if key is None:
        return Response()
    versions = key.versions
    known = [number for number in numbers if number in versions]
    for number in known:
        versions[number] = replace(versions[number], destroyed=True)
    key = erased(ctx.storage, req.path, key, known)
    ctx.storage.put(meta_key(req.path), with_versions(key, versions))
    return _changed(known)


async def _labelled(ctx: Context, req: ReadData) -> int:
    """The number of the version that carries a label; `current` is always the newest."""
    key = await ctx.storage.find(meta_key(req.path), Key)
    labels = {version.label: number for number, version in key.versions.items()} if key else {}
    if key is not None and req.label == "current":
        return key.current
    if req.label not in labels:
        raise NotFound
    return labels[req.label]


async def _version(ctx: Context, path: str, asked: int) -> tuple[dict[str, Any], bytes | None, float]:
    """A version's facts, its text (None when it is deleted or destroyed), and until when it is there.

    Raises NotFound.
    """
    head = await ctx.storage.find(meta_key(path), Head)
    if head is None or head.latest is None:
        raise NotFound
    if asked <= 0 or asked == head.current:
        number, version, text = head.current, head.latest, head.data
    else:
        key = await ctx.storage.get(meta_key(path), Key)
        if asked not in key.older:
            raise NotFound
        number, version = asked, key.older[asked]
        text = await text_of(ctx.storage, path, key, asked)
    shown = None if version.gone(ctx.now()) else text
    return data_facts(version, number, head.custom), shown, version.there_until


async def _checked_config(ctx: Context, key: Key, options: dict[str, Any]) -> Config:
    """The mount's settings, once the write's check-and-set holds."""
    config = await ctx.storage.find("config", Config) or Config()
    _check_cas(options.get("cas"), key, required=key.cas_required or config.cas_required)
    return config


def _store(
    ctx: Context, path: str, key: Key, config: Config, text: bytes, options: dict[str, Any]
) -> Response:
    reason = reason_of(ctx, options)
    oldest = key.oldest
    key = with_version(ctx, path, key, config, text, reason)
    ctx.storage.put(meta_key(path), key)
    told: dict[str, str | int] = {"version": key.current}
    if reason:
        told["reason"] = reason
    if key.oldest != oldest:
        told["oldest"] = key.oldest
    return Response(data_facts(key.versions[key.current], key.current, key.custom), facts=told)


def _check_cas(cas: object, key: Key, *, required: bool) -> None:
    if cas is None:
        if required:
            raise InvalidRequest("check-and-set parameter required for this call")
        return
    if isinstance(cas, str) and cas.isascii() and cas.isdigit():
        cas = int(cas)
    if isinstance(cas, bool) or not isinstance(cas, int):
        raise InvalidRequest("error parsing check-and-set parameter")
    if cas != key.current:
        raise CasMismatch("check-and-set parameter did not match the current version")


def _body(ctx: Context) -> tuple[bytes, dict[str, Any]]:
    """The data's text and the options. Raises InvalidRequest, naming the member only."""
    try:
        body = msgspec.json.decode(ctx.request.body or b"{}", type=Body)
    except msgspec.ValidationError:
        raise InvalidRequest("field 'options': an object is expected") from None
    if isinstance(body.data, UnsetType):
        raise InvalidRequest("no data provided")
    text = bytes(body.data).strip()
    if not is_object(text) and text != b"null":
        raise InvalidRequest("field 'data': an object is expected")
    return text, body.options or {}


def _delete(ctx: Context, path: str, key: Key, numbers: list[int]) -> Response:
    now = ctx.now()
    versions = key.versions
    there = [number for number in numbers if number in versions and not versions[number].gone(now)]
    for number in there:
        versions[number] = replace(versions[number], deletion=now)
    ctx.storage.put(meta_key(path), with_versions(key, versions))
    return _changed(there)


def _changed(numbers: list[int]) -> Response:
    """An empty answer; the audit log learns which versions it is about."""
    return Response(facts={"versions": ",".join(map(str, numbers))})


def _numbers(req: Versions) -> list[int]:
    if not req.versions:
        raise InvalidRequest("No version number provided")
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in req.versions):
        raise InvalidRequest("field 'versions': a list of version numbers is expected")
    return [int(text) for text in req.versions]


def _structure(value: Any, depth: int, level: int = 1) -> Any:
    """The members' names of an object, values and empty objects as null, cut off at `depth` levels."""
    if not isinstance(value, dict) or (level > 1 and not value) or (depth and level > depth):
        return None
    return {name: _structure(member, depth, level + 1) for name, member in value.items()}
