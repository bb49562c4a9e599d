"""The versioned key-value engine (version 2): the table.

API: Vault's `kv` secrets engine, version 2, with OpenBao's recursive scan and paging.
A version also records who wrote it (`created_by`) and why (`reason`).
"""

from strongroom.engines.kv.data import (
    data_exists,
    delete_current,
    delete_versions,
    destroy_versions,
    patch_data,
    read_data,
    read_subkeys,
    undelete_versions,
    write_data,
)
from strongroom.engines.kv.metadata import (
    delete_metadata,
    list_detailed,
    list_metadata,
    metadata_exists,
    patch_metadata,
    read_config,
    read_metadata,
    scan_metadata,
    write_config,
    write_metadata,
)
from strongroom.errors import NotFound, UnsupportedOperation
from strongroom.framework import Context, Engine, Fields, Operation, Response, Route

FAMILIES = frozenset(
    {"config", "data", "delete", "destroy", "detailed-metadata", "metadata", "subkeys", "undelete"}
)
_COMMANDS = {Operation.READ: "get", Operation.WRITE: "put", Operation.SCAN: "list"}


class Anywhere(Fields, frozen=True):
    """A path outside the table."""

    path: str = ""


async def advise(ctx: Context, req: Anywhere) -> Response:
    """Tell a caller who left out `data/` or `metadata/` what is missing."""
    if req.path.split("/", 1)[0] in FAMILIES:
        raise UnsupportedOperation("unsupported operation")
    operation = ctx.request.operation
    command = _COMMANDS.get(operation, operation.value)
    advice = (
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints"
        f" to use. If using the Vault CLI, use 'vault kv {command}' for this operation."
    )
    raise NotFound(warnings=(advice,))


class KV2(Engine):
    """Secrets with versions."""

    kind = "kv"
    summary = "Secrets with versions, check-and-set, soft deletion and metadata"
    routes = (
        Route(path="config", read=read_config, write=write_config, summary="The mount's settings"),
        Route(
            path="data/{path:path}",
            read=read_data,
            write=write_data,
            patch=patch_data,
            delete=delete_current,
            exists=data_exists,
            summary="A secret's data: the current version, or any by number",
            description=(
                "A write makes a new version of the members under `data`. `options` may hold `cas`, the "
                "version that this write replaces: 0 for a secret that must not exist. A patch (RFC 7396) "
                "changes the members it names; null removes one.\n\n"
                "A deleted version is marked only and can be brought back; see `delete`, `undelete`, "
                "`destroy`."
            ),
        ),
        Route(
            path="metadata/{path:path}",
            read=read_metadata,
            write=write_metadata,
            patch=patch_metadata,
            delete=delete_metadata,
            list=list_metadata,
            scan=scan_metadata,
            exists=metadata_exists,
            summary="A secret's versions and settings; listings",
            description=(
                "Settings of a secret take the place of the mount's. Deleting here erases the secret with "
                "all its versions, for good. Each version tells who wrote it (`created_by`) and why "
                "(`reason`)."
            ),
        ),
        Route(
            path="detailed-metadata/{path:path}",
            list=list_detailed,
            summary="A listing with each secret's facts",
        ),
        Route(path="subkeys/{path:path}", read=read_subkeys, summary="A version's structure without values"),
        Route(path="delete/{path:path}", write=delete_versions, summary="Mark versions deleted"),
        Route(path="undelete/{path:path}", write=undelete_versions, summary="Bring deleted versions back"),
        Route(path="destroy/{path:path}", write=destroy_versions, summary="Erase versions' data for good"),
        Route(
            path="{path:path}",
            read=advise,
            list=advise,
            scan=advise,
            write=advise,
            patch=advise,
            delete=advise,
            summary="Not a path of this engine: the answer says what is missing",
        ),
    )
