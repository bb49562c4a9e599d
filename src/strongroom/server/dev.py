"""Development mode: an initialised, unsealed server with a known root token. Loopback only.

It uses the door like any client, so nothing here can do what the API cannot. With a
data directory it keeps the unseal key and root token beside the store, so that the
next start opens it again: what makes it convenient makes it no place for a secret.
"""

import os
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from strongroom.framework import CanonicalPath, Operation, Request, Response
from strongroom.sensitive import Sensitive

KEPT = "development.json"

Door = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the developer is told."""

    root_token: Sensitive[str]
    unseal_key: Sensitive[str]


def kept(data: Path) -> Opened | None:
    """What an earlier development server left in its data directory."""
    try:
        found = msgspec.json.decode((data / KEPT).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return None
    return Opened(Sensitive(found["root_token"]), Sensitive(found["unseal_key"]))


def keep(data: Path, opened: Opened) -> None:
    """Leave what opens this store to the next development server; readable by this user alone."""
    body = {"root_token": opened.root_token.reveal(), "unseal_key": opened.unseal_key.reveal()}
    file = os.open(data / KEPT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(msgspec.json.encode(body))


async def reopen(door: Door, opened: Opened) -> None:
    """Unseal with what an earlier start kept."""
    await _write(door, "sys/unseal", {"key": opened.unseal_key.reveal()})


async def open_for_development(door: Door, root_token_id: str = "") -> Opened:
    """Initialise with one share, unseal, choose the root token, mount KV v2 at `secret/`."""
    created = _members(await _write(door, "sys/init", {"secret_shares": 1, "secret_threshold": 1}))
    share, root = created["keys_base64"][0], Sensitive(str(created["root_token"]))
    await _write(door, "sys/unseal", {"key": share})
    if root_token_id:
        wanted = {"id": root_token_id, "policies": ["root"], "no_parent": True}
        await _write(door, "auth/token/create", wanted, root)
        await _write(door, "auth/token/revoke-self", {}, root)
        root = Sensitive(root_token_id)
    await _write(door, "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, root)
    return Opened(root, Sensitive(share))


async def _write(
    door: Door, path: str, fields: dict[str, Any], token: Sensitive[str] | None = None
) -> Response:
    request = Request(
        Operation.WRITE,
        CanonicalPath(path),
        str(uuid.uuid4()),
        token=token,
        body=msgspec.json.encode(fields),
        remote="127.0.0.1",
    )
    return await door(request)


def _members(response: Response) -> dict[str, Any]:
    members = msgspec.to_builtins(response.data)
    if not isinstance(members, dict):
        raise TypeError("initialisation gave no keys")
    return members
