"""Creating tokens: by a parent, as an orphan, or through a role.

Source: Vault's API page /auth/token; root and sudo rules as documented there.
"""

from msgspec.structs import replace

from strongroom.core import ttl as ttls
from strongroom.core.issuing import token_policies
from strongroom.core.token_entry import TokenEntry
from strongroom.core.tokens import mount_ttls
from strongroom.errors import InvalidRequest
from strongroom.framework import Auth, Context, Response
from strongroom.framework.policy_names import ROOT, canonical_names
from strongroom.system import token_roles
from strongroom.system.house import core, realm, transaction
from strongroom.system.token_requests import CreateToken
from strongroom.system.token_roles import Role

MAX_TEXT = 512


async def create(ctx: Context, req: CreateToken) -> Response:
    """`auth/token/create`: a child of the caller's token."""
    orphan = req.no_parent
    if orphan and not await _has_sudo(ctx):
        raise InvalidRequest("root or sudo privileges required to create orphan token")
    return await _issue(ctx, req, None, orphan=orphan)


async def create_orphan(ctx: Context, req: CreateToken) -> Response:
    """`auth/token/create-orphan`."""
    return await _issue(ctx, req, None, orphan=True, path="auth/token/create-orphan")


async def create_by_role(ctx: Context, req: CreateToken) -> Response:
    """`auth/token/create/{role_name}`."""
    role = await token_roles.find(ctx, req.role_name)
    return await _issue(ctx, req, role, orphan=role.orphan)


async def _caller(ctx: Context) -> TokenEntry:
    """The caller's token, read in this transaction: revoked meanwhile, the commit conflicts."""
    house = core(ctx)
    stored = await house.tokens.stored(transaction(ctx), ctx.caller.id)
    if stored is not None:
        return stored
    return (await house.tokens.session(ctx.request.token, ctx.request.remote)).entry


async def _has_sudo(ctx: Context) -> bool:
    acl = await core(ctx).namespaces.acl(transaction(ctx), ctx.caller, ctx.now())
    granted = acl.capabilities(ctx.request.whole_path)
    return "root" in granted or "sudo" in granted


async def _issue(
    ctx: Context, req: CreateToken, role: Role | None, *, orphan: bool, path: str = "auth/token/create"
) -> Response:
    parent = await _caller(ctx)
    await _refuse_taken(ctx, req.id)
    privileged = await _has_sudo(ctx)
    entry = _entry(ctx, req, role, parent, privileged=privileged)
    _check_batch(entry)
    entry.path = _path(role) if role else path
    entry.parent = "" if orphan else parent.id
    entry.entity_id = "" if orphan else parent.entity_id
    warnings = (*_set_life(ctx, entry, req), *await _unknown(ctx, entry.policies))
    token = core(ctx).tokens.issue(transaction(ctx), entry, req.id)
    return Response(
        auth=Auth(
            policies=entry.policies,
            display_name=entry.display_name,
            metadata=entry.metadata,
            renewable=entry.renewable,
            token_type=entry.token_type,
            orphan=orphan,
            num_uses=entry.num_uses,
            client_token=token,
            accessor=entry.accessor,
            lease_duration=entry.ttl,
            entity_id=entry.entity_id,
        ),
        warnings=warnings,
    )


async def _refuse_taken(ctx: Context, text: str) -> None:
    """Raise InvalidRequest when a chosen id is some token's already."""
    tokens = core(ctx).tokens
    if text and await tokens.stored(transaction(ctx), tokens.id_of(text)) is not None:
        raise InvalidRequest("cannot create a token with a duplicate ID")


async def _unknown(ctx: Context, policies: tuple[str, ...]) -> tuple[str, ...]:
    """A warning for each policy that nobody has written."""
    stored = realm(ctx).policies
    return tuple(
        [
            f'Policy "{name}" does not exist'
            for name in policies
            if await stored.text(transaction(ctx), name) is None
        ]
    )


def _entry(
    ctx: Context, req: CreateToken, role: Role | None, parent: TokenEntry, *, privileged: bool
) -> TokenEntry:
    """The new token, but for its parent and life. Raises InvalidRequest for what may not be."""
    kind = _kind(req, role, ctx.mount.config.token_type)
    _check(req, parent, kind)
    if parent.namespace != ctx.mount.namespace:
        parent = _from_outside(parent, privileged=privileged)
    bounds = role or Role(name="")
    return TokenEntry(
        id="",
        accessor="",
        policies=_policies(req, parent, role, privileged=privileged),
        path="",
        display_name=_display(req.display_name),
        created=ctx.now(),
        metadata=req.meta or {},
        num_uses=req.num_uses or bounds.token_num_uses,
        period=_period(req, role, privileged=privileged),
        explicit_max_ttl=ttls.smallest(req.explicit_max_ttl, bounds.token_explicit_max_ttl),
        renewable=req.renewable and bounds.renewable and kind == "service",
        token_type=kind,
        bound_cidrs=bounds.token_bound_cidrs,
        role=bounds.name,
        mount=ctx.mount.uuid,
        namespace=ctx.mount.namespace,
    )


def _from_outside(parent: TokenEntry, *, privileged: bool) -> TokenEntry:
    """A parent of another namespace, whose policies are not those of the same name here.

    Raises InvalidRequest unless it may sudo here: then it may give any policy of this namespace.
    """
    if not privileged:
        raise InvalidRequest(
            "root or sudo privileges are needed to create a token in another namespace than one's own"
        )
    return replace(parent, policies=())


def _kind(req: CreateToken, role: Role | None, tuned: str) -> str:
    fixed = role.token_type if role else tuned
    if fixed in ("service", "batch"):
        return fixed
    asked = req.type or ("batch" if fixed == "default-batch" else "service")
    if asked not in ("service", "batch"):
        raise InvalidRequest("invalid 'type' value: service or batch")
    return asked


def _check(req: CreateToken, parent: TokenEntry, kind: str) -> None:
    if parent.token_type == "batch":
        raise InvalidRequest("batch tokens cannot create more tokens")
    if parent.num_uses:
        raise InvalidRequest("restricted use token cannot generate child tokens")
    if req.num_uses < 0:
        raise InvalidRequest("number of uses cannot be negative")
    if req.entity_alias:
        raise InvalidRequest("'entity_alias' is not allowed without a role that allows it")
    if req.id:
        _check_text(req.id, parent)
    if kind == "batch" and (req.period or req.num_uses or req.id or req.explicit_max_ttl):
        raise InvalidRequest("batch tokens cannot have a period, uses, an explicit max TTL or a chosen id")


def _check_batch(entry: TokenEntry) -> None:
    """Nothing revokes or counts a batch token, so it is never root, periodic or of limited use."""
    if entry.token_type != "batch":
        return
    if entry.root:
        raise InvalidRequest("batch tokens cannot be root tokens")
    if entry.period or entry.num_uses:
        raise InvalidRequest("batch tokens cannot have a period or uses: the role sets one")


def _check_text(text: str, parent: TokenEntry) -> None:
    if not parent.root:
        raise InvalidRequest("root required to specify token id")
    if len(text) > MAX_TEXT or not text.isascii() or not text.isprintable() or set(text) & set(" /."):
        raise InvalidRequest(
            "a token id is printable ASCII without blanks, slashes or dots, at most 512 long"
        )


def _policies(
    req: CreateToken, parent: TokenEntry, role: Role | None, *, privileged: bool
) -> tuple[str, ...]:
    """What the new token may carry. Raises InvalidRequest for more than the caller or role allows."""
    no_default = req.no_default_policy or (role is not None and role.token_no_default_policy)
    asked = canonical_names(req.policies or ())
    if role is not None:
        wanted = asked or role.allowed_policies or _without(parent.policies, "default", no_default)
        policies = token_policies(
            wanted, with_default=not no_default and "default" not in role.disallowed_policies
        )
        token_roles.allowed(role, policies, parent.policies)
    else:
        wanted = asked or parent.policies
        with_default = not no_default and "root" not in wanted
        policies = token_policies(_without(wanted, "default", no_default), with_default=with_default)
        if not (privileged or parent.root) and not set(policies) <= {*parent.policies, "default"}:
            raise InvalidRequest("child policies must be subset of parent")
    if ROOT in policies and not parent.root:
        raise InvalidRequest("root tokens may not be created without parent token being root")
    if "response-wrapping" in policies:
        raise InvalidRequest("the policy 'response-wrapping' is for wrapping tokens only")
    return policies


def _without(names: tuple[str, ...], name: str, wanted: bool) -> tuple[str, ...]:
    return tuple(other for other in names if not wanted or other != name)


def _path(role: Role) -> str:
    suffix = f"/{role.path_suffix}" if role.path_suffix else ""
    return f"auth/token/create/{role.name}{suffix}"


def _display(name: str) -> str:
    """`token`, or `token-` and the name with all but letters, digits and dashes replaced."""
    if name in ("", "token"):
        return "token"
    clean = "".join(char if char.isalnum() or char == "-" else "-" for char in name)
    return f"token-{clean.strip('-')}"


def _period(req: CreateToken, role: Role | None, *, privileged: bool) -> int:
    if req.period and not privileged:
        raise InvalidRequest("root or sudo privileges required to create periodic token")
    return req.period or (role.token_period if role else 0)


def _set_life(ctx: Context, entry: TokenEntry, req: CreateToken) -> tuple[str, ...]:
    """Give the entry its time to live; a root token without one never expires."""
    wanted = req.ttl or req.lease
    if entry.root and not wanted and not entry.explicit_max_ttl and not entry.period:
        entry.renewable = False
        return ()
    default, maximum = mount_ttls(ctx.mount)
    entry.ttl = ttls.granted(
        wanted,
        default,
        maximum,
        entry.created,
        entry.created,
        period=entry.period,
        explicit_max=entry.explicit_max_ttl,
    )
    entry.expires = entry.created + entry.ttl
    if not entry.period and wanted > entry.ttl:
        return (f"TTL of {wanted}s exceeded the effective max_ttl of {entry.ttl}s; TTL value is capped",)
    return ()
