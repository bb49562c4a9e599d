"""Rekey and root generation, in both spellings of the API.

`sys/rekey/*`, `sys/rekey-recovery-key/*` and `sys/generate-root/*` need no token only where the configuration
says so; `sys/rotate/root/*`, `sys/rotate/recovery/*` and `sys/generate-root-token/*` always need one.
Source: Vault's API pages /sys/rekey and /sys/generate-root, OpenBao's /sys/rotate/root.
"""

import base64
from dataclasses import replace
from typing import Any

from strongroom.barrier.seal.generate_root import GenerateRootStatus
from strongroom.barrier.seal.rekey import RekeyStatus
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.system.ceremonies import Permissions
from strongroom.system.house import core, transaction
from strongroom.system.operator import ceremonies, encoded, share
from strongroom.system.pgp import (
    Backup,
    Hiding,
    by_fingerprint,
    forget,
    hidden,
    hidden_token,
    keep,
    kept,
    one,
    recipients,
)


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


def _rekey(status: RekeyStatus, hiding: Hiding | None) -> dict[str, Any]:
    return {
        "started": status.started,
        "nonce": status.nonce,
        "t": status.threshold,
        "n": status.shares,
        "progress": status.progress,
        "required": status.required,
        "pgp_fingerprints": hiding.fingerprints if hiding else None,
        "backup": hiding is not None and hiding.backup,
        "verification_required": status.verification_required,
        "verification_nonce": status.verification_nonce,
    }


async def rekey_status(ctx: Context, req: Nothing) -> Response:
    desk = ceremonies(ctx)
    return Response(_rekey(await desk.rekey.status(), desk.rekey_hiding), doubled=True)


async def rekey_shares_start(ctx: Context, req: Begin) -> Response:
    if ceremonies(ctx).unsealer.automatic:
        raise InvalidRequest("the seal has no key shares: change the recovery keys with rekey-recovery-key")
    return await _start(ctx, req, rotate_root=False)


async def rekey_recovery_start(ctx: Context, req: Begin) -> Response:
    if not ceremonies(ctx).unsealer.automatic:
        raise InvalidRequest("recovery keys are not applicable to seal type shamir")
    return await _start(ctx, req, rotate_root=False)


async def rotate_root_start(ctx: Context, req: Begin) -> Response:
    return await _start(ctx, req, rotate_root=True)


async def _start(ctx: Context, req: Begin, *, rotate_root: bool) -> Response:
    ceremonies(ctx).check_openpgp(req.pgp_keys)
    holders = recipients(req.pgp_keys, req.secret_shares, ctx.now())
    if req.backup and not holders:
        raise InvalidRequest("cannot request a backup of the new keys without providing pgp_keys")
    desk = ceremonies(ctx)
    status = await desk.rekey.start(
        req.secret_shares,
        req.secret_threshold,
        require_verification=req.require_verification,
        rotate_root=rotate_root,
    )
    desk.rekey_hiding = Hiding(status.nonce, holders, req.backup) if holders else None
    return Response(_rekey(status, desk.rekey_hiding), doubled=True)


async def rekey_cancel(ctx: Context, req: Nothing) -> Response:
    desk = ceremonies(ctx)
    desk.rekey.cancel()
    desk.rekey_hiding = None
    return Response()


async def rekey_update(ctx: Context, req: Submit) -> Response:
    desk = ceremonies(ctx)
    hiding, messages = desk.rekey_hiding, list[bytes]()

    async def made(parts: list[bytes]) -> None:
        messages.extend(hidden(parts, hiding.to if hiding else ()))
        if hiding and hiding.backup:
            tx = core(ctx).barrier.begin()
            keep(tx, Backup(req.nonce, by_fingerprint(messages, hiding.to)))
            await tx.commit()

    await desk.rekey.submit(share(req.key), req.nonce, made)
    body = _rekey(await desk.rekey.status(), hiding)
    if messages:
        body |= {**encoded(messages), "nonce": req.nonce, "complete": True}
        if not body["started"]:
            desk.rekey_hiding = None
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
    desk = ceremonies(ctx)
    if await desk.rekey.verify(share(req.key), req.nonce):
        desk.rekey_hiding = None
        return Response({"nonce": req.nonce, "complete": True}, doubled=True)
    return Response(_verify(await desk.rekey.status()), doubled=True)


async def verify_restart(ctx: Context, req: Nothing) -> Response:
    ceremonies(ctx).rekey.restart_verification()
    return Response(_verify(await ceremonies(ctx).rekey.status()), doubled=True)


async def read_backup(ctx: Context, req: Nothing) -> Response:
    backup = await kept(transaction(ctx))
    both = {fingerprint: encoded(messages) for fingerprint, messages in backup.messages.items()}
    keys = {name: {each: forms[name] for each, forms in both.items()} for name in ("keys", "keys_base64")}
    return Response({"nonce": backup.nonce, **keys}, doubled=True)


async def forget_backup(ctx: Context, req: Nothing) -> Response:
    forget(transaction(ctx))
    return Response()


def _root(status: GenerateRootStatus, hiding: Hiding | None) -> dict[str, Any]:
    return {
        "started": status.started,
        "nonce": status.nonce,
        "progress": status.progress,
        "required": status.required,
        "complete": status.complete,
        "encoded_token": status.encoded_token,
        "encoded_root_token": status.encoded_token,
        "pgp_fingerprint": hiding.fingerprints[0] if hiding else "",
        "otp": "" if hiding else status.otp,
        "otp_length": status.otp_length,
    }


async def root_status(ctx: Context, req: Nothing) -> Response:
    desk = ceremonies(ctx)
    return Response(_root(await desk.generate_root.status(), desk.root_hiding), doubled=True)


async def root_start(ctx: Context, req: BeginRoot) -> Response:
    if req.otp and req.pgp_key:
        raise InvalidRequest("only one of 'otp' and 'pgp_key' can be given")
    desk = ceremonies(ctx)
    desk.check_openpgp(req.pgp_key)
    owner = one(req.pgp_key, ctx.now(), "pgp_key") if req.pgp_key else None
    status = await desk.generate_root.start(req.otp)
    desk.root_hiding = Hiding(status.nonce, (owner,), otp=status.otp) if owner else None
    return Response(_root(status, desk.root_hiding), doubled=True)


async def root_update(ctx: Context, req: Submit) -> Response:
    desk = ceremonies(ctx)
    hiding = desk.root_hiding
    status = await desk.generate_root.submit(share(req.key), req.nonce)
    if status.complete and hiding:
        desk.root_hiding = None
        token = decoded_root(status.encoded_token, hiding.otp)
        status = replace(status, encoded_token=hidden_token(token, hiding.to[0]))
    return Response(_root(status, hiding), doubled=True)


async def root_cancel(ctx: Context, req: Nothing) -> Response:
    desk = ceremonies(ctx)
    desk.generate_root.cancel()
    desk.root_hiding = None
    return Response()


def decoded_root(encoded_token: str, otp: str) -> str:
    """The root token from its encoded form and the one-time password."""
    masked = base64.b64decode(encoded_token + "=" * (-len(encoded_token) % 4))
    return bytes(left ^ right for left, right in zip(masked, otp.encode(), strict=True)).decode()


def routes(permissions: Permissions) -> tuple[Route, ...]:
    """The ceremonies' routes: open where the configuration says so, else for sudo tokens."""
    return (
        *_rekey_routes("rekey", rekey_shares_start, open_=permissions.unauthenticated_rekey),
        *_rekey_routes("rekey-recovery-key", rekey_recovery_start, open_=permissions.unauthenticated_rekey),
        *_rekey_routes("rotate/recovery", rekey_recovery_start, open_=False),
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
            read=read_backup,
            delete=forget_backup,
            sudo=True,
            summary="The encrypted key shares of the latest rekey that asked to keep them.",
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
