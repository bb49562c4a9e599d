"""A target declared as data: the requests by which an outside system makes, shows and ends a credential."""

from typing import Literal

from msgspec import Struct

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
Json = dict[str, object] | list[object] | None


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. Text in it may hold places such as `{{new.token}}`; `expect` are the good statuses.

    A `body` is sent as JSON, a `form` as a form; `path` may name only what is no secret.
    """

    method: Method = "GET"
    path: str
    headers: dict[str, str] = {}
    body: Json = None
    form: dict[str, str] = {}
    expect: tuple[int, ...] = (200, 201, 202, 204)


class Create(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request that makes a credential.

    `facts` and `secret` say by JSON pointers which of the answer's parts become fields of the
    secret; facts (an id) may stand in paths, secrets may not. `set` gives fields by template.
    """

    facts: dict[str, str] = {}
    secret: dict[str, str] = {}
    set: dict[str, str] = {}


class Refusal(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request that must fail once a credential has ended."""

    expect: tuple[int, ...] = (401, 403)


class Find(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request that finds what an attempt cut short has left: `each` points to a list, `facts` into it."""

    each: str = ""
    match: dict[str, str] = {}
    facts: dict[str, str] = {}


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How requests other than `verify` log in: headers, filled from a secret as `{{admin.…}}`."""

    secret: str
    headers: dict[str, str]


class HttpTarget(Struct, frozen=True, kw_only=True, tag_field="kind", tag="http", forbid_unknown_fields=True):
    """A key-value secret whose credential an outside system issues over HTTP.

    `slots` are two names that take turns, for systems with two fixed credentials.
    `password_policy` makes `{{generated}}`. `tls_ca` are certificates to trust, in PEM.
    """

    secret: str
    url: str
    create: Create
    verify: Call
    retire: Call
    verify_dead: Refusal
    auth: Login | None = None
    find: Find | None = None
    slots: tuple[str, ...] = ()
    password_policy: str = ""
    tls_ca: str = ""
