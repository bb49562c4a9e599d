"""Rekey and root generation, in both spellings of the API.

`sys/rekey/*` and `sys/generate-root/*` need no token only where the configuration
says so; `sys/rotate/root/*` and `sys/generate-root-token/*` always need one.
Source: Vault's API pages /sys/rekey and /sys/generate-root, OpenBao's /sys/rotate/root.
"""

import base64
from typing import Any

from strongroom.barrier.seal.generate_root import GenerateRootStatus
from strongroom.barrier.seal.rekey import RekeyStatus
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.system.ceremonies import Permissions
from strongroom.system.operator import ceremonies, encoded, refuse_pgp, share


class Begin(Fields, frozen=True):
    """The new number of shares and threshold."""

    secret_shares: int = 5
    secret_threshold: int = 3
    pgp_keys: list[str] | None = None
    backup: bool = False
    require_verification: bool = False


class Submit(Fields, frozen=True):
    """A key share and the attempt it is for."""

    key: str
    nonce: str = ""


class BeginRoot(Fields, frozen=True):
    """The one-time password, if the caller brings one."""

    otp: str = ""
    pgp_key: str = ""


def _rekey(status: RekeyStatus) -> dict[str, Any]:
    return {
        "started": status.started,
        "nonce": status.nonce,
        "t": status.threshold,
        "n": status.shares,
        "progress": status.progress,
        "required": status.required,
        "pgp_fingerprints": None,
        "backup": False,
        "verification_required": status.verification_required,
        "verification_nonce": status.verification_nonce,
    }


async def rekey_status(ctx: Context, req: Nothing) -> Response:
    return Response(_rekey(await ceremonies(ctx).rekey.status()), doubled=True)


async def rekey_start(ctx: Context, req: Begin) -> Response:
    return await _start(ctx, req, rotate_root=False)


async def rotate_root_start(ctx: Context, req: Begin) -> Response:
    return await _start(ctx, req, rotate_root=True)


async def _start(ctx: Context, req: Begin, *, rotate_root: bool) -> Response:
    refuse_pgp(req.pgp_keys)
    if req.backup:
        raise InvalidRequest("backup needs pgp_keys, which are not supported")
    status = await ceremonies(ctx).rekey.start(
        req.secret_shares,
        req.secret_threshold,
        require_verification=req.require_verification,
        rotate_root=rotate_root,
    )
    return Response(_rekey(status), doubled=True)


async def rekey_cancel(ctx: Context, req: Nothing) -> Response:
    ceremonies(ctx).rekey.cancel()
    return Response()


async def rekey_update(ctx: Context, req: Submit) -> Response:
    rekey = ceremonies(ctx).rekey
    parts = await rekey.submit(share(req.key), req.nonce)
    status = await rekey.status()
    body: dict[str, Any] = _rekey(status)
    if parts:
        body |= {**encoded(parts), "nonce": req.nonce, "complete": True}
    return Response(body, doubled=True)


async def verify_status(ctx: Context, req: Nothing) -> Response:
    return Response(_verify(await ceremonies(ctx).rekey.status()), doubled=True)


def _verify(status: RekeyStatus) -> dict[str, Any]:
    return {
        "started": status.started,
        "nonce": status.verification_nonce,
        "t": status.threshold,
        "n": status.shares,
        "progress": status.verification_progress,
    }


async def verify_submit(ctx: Context, req: Submit) -> Response:
    rekey = ceremonies(ctx).rekey
    if await rekey.verify(share(req.key), req.nonce):
        return Response({"nonce": req.nonce, "complete": True}, doubled=True)
    return Response(_verify(await rekey.status()), doubled=True)


async def verify_restart(ctx: Context, req: Nothing) -> Response:
    ceremonies(ctx).rekey.restart_verification()
    return Response(_verify(await ceremonies(ctx).rekey.status()), doubled=True)


async def no_backup(ctx: Context, req: Nothing) -> Response:
    raise InvalidRequest("no backed-up keys found")


async def forget_backup(ctx: Context, req: Nothing) -> Response:
    return Response()


def _root(status: GenerateRootStatus) -> dict[str, Any]:
    return {
        "started": status.started,
        "nonce": status.nonce,
        "progress": status.progress,
        "required": status.required,
        "complete": status.complete,
        "encoded_token": status.encoded_token,
        "encoded_root_token": status.encoded_token,
        "pgp_fingerprint": "",
        "otp": status.otp,
        "otp_length": status.otp_length,
    }


async def root_status(ctx: Context, req: Nothing) -> Response:
    return Response(_root(await ceremonies(ctx).generate_root.status()), doubled=True)


async def root_start(ctx: Context, req: BeginRoot) -> Response:
    refuse_pgp([req.pgp_key] if req.pgp_key else None)
    return Response(_root(await ceremonies(ctx).generate_root.start(req.otp)), doubled=True)


async def root_update(ctx: Context, req: Submit) -> Response:
    status = await ceremonies(ctx).generate_root.submit(share(req.key), req.nonce)
    return Response(_root(status), doubled=True)


async def root_cancel(ctx: Context, req: Nothing) -> Response:
    ceremonies(ctx).generate_root.cancel()
    return Response()


def decoded_root(encoded_token: str, otp: str) -> str:
    """The root token from its encoded form and the one-time password."""
    masked = base64.b64decode(encoded_token + "=" * (-len(encoded_token) % 4))
    return bytes(left ^ right for left, right in zip(masked, otp.encode(), strict=True)).decode()


def routes(permissions: Permissions) -> tuple[Route, ...]:
    """The ceremonies' routes: open where the configuration says so, else for sudo tokens."""
    return (
        *_rekey_routes("rekey", rekey_start, open_=permissions.unauthenticated_rekey),
        *_rekey_routes("rotate/root", rotate_root_start, open_=False),
        *_root_routes("generate-root", open_=permissions.unauthenticated_generate_root),
        *_root_routes("generate-root-token", open_=False),
    )


def _rekey_routes(base: str, start: Any, *, open_: bool) -> tuple[Route, ...]:
    sudo = not open_
    return (
        Route(
            path=f"{base}/init",
            read=rekey_status,
            write=start,
            delete=rekey_cancel,
            open=open_,
            sudo=sudo,
            summary="Begin, show or cancel a change of the key shares.",
        ),
        Route(
            path=f"{base}/update",
            write=rekey_update,
            open=open_,
            sudo=sudo,
            summary="Hand in a present key share.",
        ),
        Route(
            path=f"{base}/verify",
            read=verify_status,
            write=verify_submit,
            delete=verify_restart,
            open=open_,
            sudo=sudo,
            summary="Prove that the new key shares work before they take over.",
        ),
        Route(
            path=f"{base}/backup",
            read=no_backup,
            delete=forget_backup,
            sudo=True,
            summary="Key shares are never kept, so there is no backup of them.",
        ),
    )


def _root_routes(base: str, *, open_: bool) -> tuple[Route, ...]:
    sudo = not open_
    return (
        Route(
            path=f"{base}/attempt",
            read=root_status,
            write=root_start,
            delete=root_cancel,
            open=open_,
            sudo=sudo,
            summary="Begin, show or cancel the generation of a root token.",
        ),
        Route(
            path=f"{base}/update",
            write=root_update,
            open=open_,
            sudo=sudo,
            summary="Hand in a key share.",
        ),
    )
