"""Userpass auth: a name and a password, kept as argon2id, or as the bcrypt hash that was brought along.

API: Vault's `userpass` auth method. Users are stored at `user/<name>`, the name in lower
case. An unknown name costs and answers like a wrong password, lockout included.
"""

import re

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct
from msgspec.structs import replace

from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound
from strongroom.framework import Auth, Context, Engine, Fields, Response, Route
from strongroom.framework.lockout import attempt
from strongroom.framework.token_fields import (
    TokenFields,
    TokenSettings,
    check_renewal,
    issue,
    shown,
    updated,
)

# OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# What an unknown name is checked against; its password was thrown away.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$l8SPrmv9sLBcIdW+bvP5MA$pB695DRw2iSMAaOH7xFUNMWmH+/l1etTWDnn20+J8oM"
MAX_PASSWORD_BYTES = 1024
# A bcrypt hash reads no more of a password than this; every step of its cost doubles the time.
BCRYPT_BYTES, MAX_BCRYPT_COST = 72, 15
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}")
COST = "bcrypt"
_NAME = re.compile(r"\w(?:[\w.@-]{0,254}\w)?", re.ASCII)


class User(Struct, frozen=True):
    """A stored user. `hash` is argon2id in PHC form, or bcrypt's."""

    hash: str
    token: TokenSettings


class BcryptCost(Struct, frozen=True):
    """The cost of the latest bcrypt hash: what every login here pays, so that time tells nothing."""

    cost: int = 0


class Named(Fields, frozen=True):
    """A user by name."""

    username: str


class Page(Fields, frozen=True):
    """The page of a listing that is wanted."""

    after: str = ""
    limit: int = 0


class WriteUser(TokenFields, frozen=True, kw_only=True):
    """A user's password and the settings of its tokens."""

    username: str
    password: str = ""
    password_hash: str = ""


class WritePassword(Fields, frozen=True):
    """A user's new password."""

    username: str
    password: str = ""
    password_hash: str = ""


class WritePolicies(TokenFields, frozen=True, kw_only=True):
    """A user's new policies."""

    username: str


class Login(Fields, frozen=True):
    """A name with its password."""

    username: str
    password: str = ""


async def user_exists(ctx: Context, req: Named) -> bool:
    """Whether a write updates."""
    return await ctx.storage.find_bytes(_key(req.username)) is not None


async def read_user(ctx: Context, req: Named) -> Response:
    """Give out the settings of a user's tokens; never the hash."""
    user = await ctx.storage.find(_key(req.username), User)
    if user is None:
        raise NotFound
    return Response(shown(user.token))


async def write_user(ctx: Context, req: WriteUser) -> Response:
    """Make a user, or change what the request names of one."""
    name = canonical_name(req.username)
    user = await ctx.storage.find(f"user/{name}", User)
    token = updated(user.token if user else TokenSettings(), req)
    if user is None or req.password or req.password_hash:
        user = User(await _hash(ctx, req.password, req.password_hash), token)
    ctx.storage.put(f"user/{name}", replace(user, token=token))
    return Response()


async def delete_user(ctx: Context, req: Named) -> Response:
    """Remove a user; its tokens live until they expire or are revoked."""
    name = canonical_name(req.username)
    ctx.storage.delete(f"user/{name}")
    ctx.storage.delete(f"lockout/name/{name}")
    return Response()


async def list_users(ctx: Context, req: Page) -> Response:
    """List the users' names."""
    names = await ctx.storage.list("user/", req.after, max(req.limit, 0))
    if not names:
        raise NotFound
    return Response({"keys": names})


async def write_password(ctx: Context, req: WritePassword) -> Response:
    """Change a user's password."""
    user = await _existing(ctx, req.username)
    changed = await _hash(ctx, req.password, req.password_hash)
    ctx.storage.put(_key(req.username), replace(user, hash=changed))
    return Response()


async def write_policies(ctx: Context, req: WritePolicies) -> Response:
    """Change the policies of a user's tokens to come."""
    user = await _existing(ctx, req.username)
    only = TokenFields(token_policies=req.token_policies, policies=req.policies)
    ctx.storage.put(_key(req.username), replace(user, token=updated(user.token, only)))
    return Response()


async def login(ctx: Context, req: Login) -> Response:
    """Check the password and give the user's token."""
    if not req.password:
        raise InvalidRequest("missing password")
    name = req.username.lower()
    user = await ctx.storage.find(f"user/{name}", User) if _NAME.fullmatch(name) else None
    async with attempt(ctx, name, known=user is not None):
        brought = await ctx.storage.find(COST, BcryptCost) or BcryptCost()
        right = await ctx.blocking(verified, user.hash if user else NOBODY, req.password, brought.cost)
        if user is None or not right:
            raise InvalidCredentials("invalid username or password")
    auth = issue(
        user.token,
        ctx.request.remote,
        display_name=f"{ctx.mount.path.removeprefix('auth/').rstrip('/')}-{name}",
        alias=name,
        metadata={"username": name},
        internal={"username": name},
    )
    return Response(auth=auth)


def verified(stored: str, password: str, bcrypt_cost: int = 0) -> bool:
    """Whether the password is the stored one; slow on purpose, and as slow for every name of a mount.

    Where there are bcrypt hashes, of `bcrypt_cost`, each login computes both kinds.
    """
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        password = ""
    if stored.startswith("$2"):
        _verified_argon2(NOBODY, password)
        return _verified_bcrypt(stored, password)
    if bcrypt_cost:
        bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], bcrypt.gensalt(bcrypt_cost))
    return _verified_argon2(stored, password)


def _verified_bcrypt(stored: str, password: str) -> bool:
    return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], stored.encode())


def _verified_argon2(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def canonical_name(username: str) -> str:
    """The one form of a name: lower case. Raises InvalidRequest for what is no name."""
    name = username.lower()
    if not _NAME.fullmatch(name):
        raise InvalidRequest("a user name is up to 256 letters, digits, '_', '-', '.' and '@'")
    return name


def _key(username: str) -> str:
    return f"user/{canonical_name(username)}"


async def _existing(ctx: Context, username: str) -> User:
    user = await ctx.storage.find(_key(username), User)
    if user is None:
        raise InvalidRequest("username does not exist")
    return user


async def _hash(ctx: Context, password: str, password_hash: str) -> str:
    """The stored form of a new password, or of one that is known by its hash only."""
    if password and password_hash:
        raise InvalidRequest("only one of password or password_hash may be provided")
    if password_hash:
        return await _brought(ctx, password_hash)
    if not password:
        raise InvalidRequest("must provide either password or password_hash")
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise InvalidRequest(f"a password is longer than {MAX_PASSWORD_BYTES} bytes")
    return await ctx.blocking(HASHER.hash, password)


async def _brought(ctx: Context, password_hash: str) -> str:
    wrong = InvalidRequest(f"password_hash is not a valid bcrypt hash of a cost from 4 to {MAX_BCRYPT_COST}")
    form = _BCRYPT.fullmatch(password_hash)
    if form is None or not 4 <= int(form[1]) <= MAX_BCRYPT_COST:
        raise wrong
    try:
        await ctx.blocking(bcrypt.checkpw, b"", password_hash.encode())
    except ValueError:
        raise wrong from None
    ctx.storage.put(COST, BcryptCost(int(form[1])))
    return password_hash


class Userpass(Engine):
    """Sign-in with a name and a password."""

    kind = "userpass"
    summary = "Sign-in with a name and a password"
    routes = (
        Route(path="users/", list=list_users, summary="The users' names"),
        Route(
            path="users/{username}",
            read=read_user,
            write=write_user,
            delete=delete_user,
            exists=user_exists,
            summary="A user: its password and the settings of its tokens",
            description=(
                "Names are letters, digits and `_ . @ -`, kept in lower case. Removing a user leaves its "
                "tokens alive until they expire; they cannot be renewed."
            ),
        ),
        Route(path="users/{username}/password", write=write_password, summary="A user's password"),
        Route(path="users/{username}/policies", write=write_policies, summary="A user's policies"),
        Route(path="login/{username}", write=login, login=True, summary="Sign in"),
    )

    async def renew_login(self, ctx: Context, auth: Auth) -> Auth:
        """Refuse when the user is gone or its policies have changed."""
        user = await ctx.storage.find(f"user/{auth.internal.get('username', '')}", User)
        if user is None:
            raise InvalidRequest("the user does not exist any more")
        return check_renewal(auth, user.token)
