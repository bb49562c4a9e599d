"""`sys/storage`: a snapshot of the store to fetch in pieces, and a search for damaged entries.

A snapshot holds ciphertext only. One exists at a time, in the data directory, until it is
deleted, replaced, or the server seals.
"""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

from strongroom.audit.checkpoint import parse
from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Raw, Response, Route
from strongroom.storage.contract import Copied, Storage
from strongroom.storage.files import private_directory
from strongroom.system.house import core

MAX_PIECE = 8 * 2**20
SERVICE = "backup"
BINARY = "application/octet-stream"


class Piece(Fields, frozen=True):
    """A part of a snapshot: from which byte, and how many at most."""

    id: str
    offset: int = 0
    length: int = MAX_PIECE


class Named(Fields, frozen=True):
    """A snapshot."""

    id: str


class Search(Fields, frozen=True):
    """Where to look, and how many damaged entries to name at most."""

    prefix: str = ""
    limit: int = 100


@dataclass(slots=True)
class BackupDesk:
    """The store, and where its snapshot waits to be fetched."""

    storage: Storage
    directory: Path
    id: str = ""

    def path(self, name: str) -> Path:
        """The snapshot's file. Raises NotFound for any other than the present one."""
        if not self.id or name != self.id:
            raise NotFound("no such snapshot: it was deleted or replaced")
        return self.directory / f"{self.id}.snapshot"

    async def make(self) -> tuple[str, str]:
        """Make a snapshot in place of the one before; returns its id and SHA-256."""
        if not isinstance(self.storage, Copied):
            raise InvalidRequest("this server keeps its store in memory; there is nothing to back up")
        self.clear()
        private_directory(self.directory)
        name = secrets.token_hex(16)
        digest = await self.storage.backup(self.directory / f"{name}.snapshot")
        self.id = name
        return name, digest

    def clear(self) -> None:
        """Remove every snapshot, also one that a stopped server left."""
        self.id = ""
        for path in self.directory.glob("*.snapshot") if self.directory.is_dir() else ():
            path.unlink(missing_ok=True)


def _desk(ctx: Context) -> BackupDesk:
    found = core(ctx).services[SERVICE]
    if not isinstance(found, BackupDesk):
        raise TypeError("the server was assembled without a backup desk")
    return found


async def make(ctx: Context, req: Nothing) -> Response:
    desk = _desk(ctx)
    checkpoint = await core(ctx).auditing.log.checkpoint()
    name, digest = await desk.make()
    return Response(
        {
            "id": name,
            "created": rfc3339(ctx.now()),
            "size_bytes": desk.path(name).stat().st_size,
            "sha256": digest,
            "audit_entries": parse(checkpoint).size,
            "audit_checkpoint": checkpoint,
        },
        facts={"sha256": digest},
    )


async def fetch(ctx: Context, req: Piece) -> Response:
    path = _desk(ctx).path(req.id)
    if req.offset < 0 or not 1 <= req.length <= MAX_PIECE:
        raise InvalidRequest(f"'offset' is 0 or more and 'length' between 1 and {MAX_PIECE}")
    piece = await asyncio.to_thread(_read, path, req.offset, req.length)
    return Response(raw=Raw(BINARY, piece))


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


async def delete(ctx: Context, req: Named) -> Response:
    desk = _desk(ctx)
    desk.path(req.id)
    ctx.after_commit(desk.clear)
    return Response()


async def damaged(ctx: Context, req: Search) -> Response:
    if not 1 <= req.limit <= 10_000:
        raise InvalidRequest("'limit' is between 1 and 10000")
    return Response({"keys": await core(ctx).barrier.damaged(req.prefix, req.limit)})


ROUTES = (
    Route(
        path="storage/backup", write=make, sudo=True, summary="Make a snapshot of the store, to be fetched."
    ),
    Route(
        path="storage/backup/{id}",
        read=fetch,
        delete=delete,
        sudo=True,
        summary="A piece of the snapshot, which is ciphertext; delete it when it is fetched.",
    ),
    Route(
        path="storage/damaged",
        read=damaged,
        sudo=True,
        summary="Entries that do not open; reads the whole store.",
    ),
)
