"""`sys/policies/password`: how passwords are generated.

Source: Vault's API page /sys/policies-password.
"""

import base64
import binascii
from typing import Annotated

from msgspec import Meta

from strongroom.barrier.view import View
from strongroom.core import passwords as store
from strongroom.core.passwords import StoredPolicy
from strongroom.core.policies import hcl
from strongroom.core.policies.hcl import Item, Object
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.framework.passwords import Charset, PasswordPolicy, checked, fit, generate
from strongroom.system.house import core, realm, transaction


class Named(Fields, frozen=True):
    """A password policy's name."""

    name: str


class WritePasswordPolicy(Named, frozen=True):
    """A password policy's text."""

    policy: Annotated[str, Meta(description="HCL or JSON, plain or in base64.")] = ""


def parsed(text: str) -> PasswordPolicy:
    """Understand a policy's text. Raises InvalidRequest."""
    length: object = 0
    charsets = []
    for item in hcl.parse(text).items:
        if item.keys == ("length",):
            length = item.value
        elif item.keys[0] == "rule":
            charsets += _rules(item)
        else:
            raise InvalidRequest(f"at {item.where}: unknown setting '{item.keys[0]}'")
    if not isinstance(length, int):
        raise InvalidRequest("length is a number")
    return checked(PasswordPolicy(length, tuple(charsets)))


def _rules(item: Item) -> list[Charset]:
    """The charsets of one `rule`; in the JSON form a list of objects stands for several."""
    values: list[object] = [*item.value] if isinstance(item.value, list) else [item.value]
    if item.keys != ("rule", "charset"):
        values = [inner for value in values for inner in _inner(value, item)]
    return [_charset(value, item) for value in values]


def _inner(value: object, item: Item) -> list[object]:
    found: list[object] = []
    for inner in value.items if isinstance(value, Object) else ():
        if inner.keys == ("charset",):
            found += inner.value if isinstance(inner.value, list) else [inner.value]
    if not found:
        raise InvalidRequest(f"at {item.where}: only rules of the kind 'charset' are known")
    return found


def _charset(value: object, item: Item) -> Charset:
    members = {inner.keys[0]: inner.value for inner in value.items} if isinstance(value, Object) else {}
    characters, least = members.get("charset"), members.get("min-chars", 0)
    if not isinstance(characters, str) or not isinstance(least, int):
        raise InvalidRequest(f"at {item.where}: a charset is text, min-chars a number")
    return Charset("".join(dict.fromkeys(characters)), least)


def _plain(text: str) -> str:
    """The policy's text, out of base64 when it came so."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text


def _stored(ctx: Context) -> View:
    return store.view(transaction(ctx), realm(ctx).uuid)


async def _find(ctx: Context, name: str) -> StoredPolicy:
    stored = await _stored(ctx).find(name, StoredPolicy)
    if stored is None:
        raise NotFound
    return stored


async def write(ctx: Context, req: WritePasswordPolicy) -> Response:
    text = _plain(req.policy)
    if not text.strip():
        raise InvalidRequest("missing policy")
    policy = parsed(text)
    await ctx.blocking(generate, policy)
    _stored(ctx).put(req.name, StoredPolicy(text, policy))
    return Response()


async def read(ctx: Context, req: Named) -> Response:
    return Response({"policy": (await _find(ctx, req.name)).text})


async def delete(ctx: Context, req: Named) -> Response:
    _stored(ctx).delete(req.name)
    return Response()


async def list_names(ctx: Context, req: Nothing) -> Response:
    names = await _stored(ctx).list()
    if not names:
        raise NotFound
    return Response({"keys": names})


async def make(ctx: Context, req: Named) -> Response:
    policy = (await _find(ctx, req.name)).policy
    return Response({"password": fit(policy, core(ctx).joined.searchable)})


ROUTES = (
    Route(path="policies/password/", list=list_names, summary="List the names of the password policies."),
    Route(
        path="policies/password/{name}",
        read=read,
        write=write,
        delete=delete,
        summary="Read, write or delete a password policy.",
    ),
    Route(path="policies/password/{name}/generate", read=make, summary="Make a password by a policy."),
)
