"""`sys/init`, `sys/seal`, `sys/unseal`, `sys/seal-status`, `sys/rotate`: opening and closing the barrier.

Source: Vault's API pages /sys/init, /sys/unseal, /sys/seal-status, /sys/rotate.
"""

import base64
import binascii
from contextlib import suppress
from typing import Any

from strongroom import __version__
from strongroom.barrier.seal.state import SHAMIR
from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.system.ceremonies import Ceremonies
from strongroom.system.house import core
from strongroom.system.pgp import hidden, hidden_token, one, recipients

VAULT_VERSION = f"1.20.0+strongroom.{__version__}"
BUILD_DATE = "2026-11-24T00:00:00Z"
DEFAULT_SHARES, DEFAULT_THRESHOLD = 5, 3
_PEOPLE = ("secret_shares", "secret_threshold", "pgp_keys")
_RECOVERY = ("recovery_shares", "recovery_threshold", "recovery_pgp_keys")


def ceremonies(ctx: Context) -> Ceremonies:
    """The server's ceremonies."""
    found = core(ctx).services["ceremonies"]
    if not isinstance(found, Ceremonies):
        raise TypeError("the server was assembled without ceremonies")
    return found


def share(text: str) -> bytes:
    """A key share from hex or base64, as Vault's clients send either."""
    for decode in (bytes.fromhex, _base64):
        try:
            return decode(text.strip())
        except ValueError:
            continue
    raise InvalidRequest("'key' must be a valid hex or base64 string")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError(text) from None


def encoded(parts: list[bytes]) -> dict[str, list[str]]:
    """Key shares in both forms."""
    return {
        "keys": [part.hex() for part in parts],
        "keys_base64": [base64.b64encode(part).decode() for part in parts],
    }


class Init(Fields, frozen=True):
    """How many key shares, and how many of them open the seal."""

    secret_shares: int | None = None
    secret_threshold: int | None = None
    stored_shares: int = 0
    pgp_keys: list[str] | None = None
    root_token_pgp_key: str = ""
    recovery_shares: int = 0
    recovery_threshold: int = 0
    recovery_pgp_keys: list[str] | None = None


class Unseal(Fields, frozen=True):
    """A key share, or `reset` to forget those handed in; `migrate` moves to the seals that are set."""

    key: str = ""
    reset: bool = False
    migrate: bool = False


async def init_status(ctx: Context, req: Nothing) -> Response:
    return Response({"initialized": core(ctx).initialized}, bare=True)


async def init(ctx: Context, req: Init) -> Response:
    if core(ctx).initialized:
        raise InvalidRequest("Vault is already initialized")
    now = ctx.now()
    desk = ceremonies(ctx)
    automatic = desk.unsealer.automatic
    shares, threshold, keys = _numbers(req, desk.unsealer.kind)
    desk.check_openpgp(keys, req.root_token_pgp_key)
    holders = recipients(keys, shares, now)
    owner = one(req.root_token_pgp_key, now, "root_token_pgp_key") if req.root_token_pgp_key else None
    parts, token = await desk.initialize(shares, threshold)
    shown = hidden_token(token, owner) if owner else token
    forms = encoded(hidden(parts, holders))
    if automatic:
        forms = {**encoded([]), **{f"recovery_{name}": form for name, form in forms.items()}}
        with suppress(StrongroomError):  # the server goes on trying; what was made must be answered
            await desk.open()
    return Response({**forms, "root_token": shown}, bare=True)


def _numbers(req: Init, kind: str) -> tuple[int, int, list[str] | None]:
    """Shares, threshold and holders' keys. Raises InvalidRequest for those of the other kind of seal."""
    foreign = _PEOPLE if kind != SHAMIR else _RECOVERY
    given = [name for name in foreign if getattr(req, name)]
    if given:
        raise InvalidRequest(f"parameters {','.join(given)} not applicable to seal type {kind}")
    if kind == SHAMIR:
        shares = DEFAULT_SHARES if req.secret_shares is None else req.secret_shares
        threshold = DEFAULT_THRESHOLD if req.secret_threshold is None else req.secret_threshold
        return shares, threshold, req.pgp_keys
    if not req.recovery_shares and not req.recovery_threshold:
        return DEFAULT_SHARES, DEFAULT_THRESHOLD, req.recovery_pgp_keys
    return req.recovery_shares, req.recovery_threshold, req.recovery_pgp_keys


async def status_body(ctx: Context) -> dict[str, Any]:
    """What `sys/seal-status` says."""
    desk = ceremonies(ctx)
    status = await desk.unsealer.status()
    return {
        "type": status.kind,
        "initialized": status.initialized,
        "sealed": core(ctx).sealed,
        "t": status.threshold,
        "n": status.shares,
        "progress": status.progress,
        "nonce": status.nonce,
        "version": VAULT_VERSION,
        "build_date": BUILD_DATE,
        "migration": status.migrating,
        "recovery_seal": status.automatic,
        **({"recovery_seal_type": "shamir"} if status.automatic else {}),
        "storage_type": desk.storage_kind,
        **({} if status.sealed else core(ctx).cluster),
    }


async def seal_status(ctx: Context, req: Nothing) -> Response:
    return Response(await status_body(ctx), bare=True)


async def unseal(ctx: Context, req: Unseal) -> Response:
    desk = ceremonies(ctx)
    if req.reset:
        if not core(ctx).sealed:
            raise InvalidRequest("vault is unsealed")
        desk.unsealer.reset()
    elif not req.key:
        raise InvalidRequest("'key' must be specified in request body as JSON, or 'reset' set to true")
    else:
        await desk.unseal(share(req.key), migrate=req.migrate)
    return Response(await status_body(ctx), bare=True)


async def seal(ctx: Context, req: Nothing) -> Response:
    ctx.after_commit(core(ctx).seal)
    return Response()


async def rotate(ctx: Context, req: Nothing) -> Response:
    term = await core(ctx).barrier.rotate()
    return Response(facts={"term": term})


async def key_status(ctx: Context, req: Nothing) -> Response:
    status = core(ctx).barrier.key_status
    return Response(
        {
            "term": status.term,
            "install_time": rfc3339(status.installed),
            "encryptions": status.encryptions,
        },
        doubled=True,
    )


ROUTES = (
    Route(
        path="init",
        read=init_status,
        write=init,
        open=True,
        sealed=True,
        summary="Whether the store is initialised; initialise it.",
    ),
    Route(path="seal-status", read=seal_status, open=True, sealed=True, summary="The seal's state."),
    Route(path="unseal", write=unseal, open=True, sealed=True, summary="Hand in a key share."),
    Route(path="seal", write=seal, sudo=True, summary="Close the barrier and forget every key."),
    Route(path="rotate", write=rotate, sudo=True, summary="Put a new encryption key in force."),
    Route(path="rotate/keyring", write=rotate, sudo=True, summary="Put a new encryption key in force."),
    Route(path="key-status", read=key_status, summary="The encryption key in force."),
)
