"""`sys/policy` and `sys/policies/acl`: the policies of a namespace.

Source: Vault's API pages /sys/policy and /sys/policies.
"""

import base64
import binascii
from typing import Annotated

from msgspec import Meta

from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.framework.policy_names import canonical_name, deletable_name, writable_name
from strongroom.system.house import core, realm, transaction


class Named(Fields, frozen=True):
    """A policy's name."""

    name: str


class WritePolicy(Fields, frozen=True):
    """A policy's text; `rules` is the older name of the field."""

    name: str
    policy: Annotated[str, Meta(description="HCL or JSON, plain or in base64.")] = ""
    rules: str = ""


async def list_names(ctx: Context, req: Nothing) -> Response:
    return Response({"keys": await realm(ctx).policies.names(transaction(ctx))})


async def list_legacy(ctx: Context, req: Nothing) -> Response:
    names = await realm(ctx).policies.names(transaction(ctx))
    return Response({"keys": names, "policies": names}, doubled=True)


async def _text(ctx: Context, name: str) -> str:
    text = await realm(ctx).policies.text(transaction(ctx), name)
    if text is None:
        raise NotFound
    return text


async def read(ctx: Context, req: Named) -> Response:
    name = canonical_name(req.name)
    return Response({"name": name, "policy": await _text(ctx, name)})


async def read_legacy(ctx: Context, req: Named) -> Response:
    name = canonical_name(req.name)
    return Response({"name": name, "rules": await _text(ctx, name)}, doubled=True)


async def write(ctx: Context, req: WritePolicy) -> Response:
    space, name = realm(ctx), writable_name(req.name)
    text = _plain(req.policy or req.rules)
    if not text:
        raise InvalidRequest("'policy' parameter not supplied or empty")
    space.policies.write(transaction(ctx), name, text)
    ctx.after_commit(lambda: core(ctx).namespaces.policies_changed(space))
    return Response()


def _plain(text: str) -> str:
    """The policy's text; base64 is taken apart when what is inside is text with a path in it."""
    try:
        inner = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
    return inner if "path" in inner else text


async def delete(ctx: Context, req: Named) -> Response:
    space = realm(ctx)
    space.policies.delete(transaction(ctx), deletable_name(req.name))
    ctx.after_commit(lambda: core(ctx).namespaces.policies_changed(space))
    return Response()


ROUTES = (
    Route(path="policies/acl/", list=list_names, summary="List the names of the ACL policies."),
    Route(
        path="policies/acl/{name}",
        read=read,
        write=write,
        delete=delete,
        summary="Read, write or delete an ACL policy.",
    ),
    Route(
        path="policy/",
        read=list_legacy,
        list=list_legacy,
        summary="List the names of the ACL policies (older path).",
    ),
    Route(
        path="policy/{name}",
        read=read_legacy,
        write=write,
        delete=delete,
        summary="Read, write or delete an ACL policy (older path).",
    ),
)
