"""The contract of a mount: an Engine with a table of Routes.

The table is the whole surface of an engine: it yields routing, validation,
`path-help` and OpenAPI. Handlers are functions of (ctx, req).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from strongroom.errors import UnsupportedOperation
from strongroom.framework.request import Operation
from strongroom.framework.response import Auth, Lease, Response
from strongroom.framework.wire import Fields, converters, decode

if TYPE_CHECKING:
    from strongroom.framework.context import Context

Handler = Callable[["Context", Any], Awaitable[Response]]
Existence = Callable[["Context", Any], Awaitable[bool]]

_CAPTURE = re.compile(r"\{(\w+)(:path)?\}")


class Nothing(Fields, frozen=True):
    """The request struct of a handler that takes no fields."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A handler with its request struct, found once from the `req` annotation."""

    handler: Handler
    kind: type[Fields]
    lenient: Mapping[str, Callable[[object], object]]

    def decode(self, fields: Mapping[str, Any]) -> Fields:
        """Make this handler's request struct from wire fields and captures."""
        return decode(self.kind, fields, self.lenient)


def bind(handler: Callable[..., Any]) -> Bound:
    """Read the request struct from the handler's `req` annotation."""
    hints = get_type_hints(handler)
    kind = hints.get("req", Nothing)
    return Bound(handler, kind, converters(kind))


@dataclass(frozen=True)
class Route:
    """One path of an engine and who answers each operation on it.

    In `path`, `{name}` is one segment, `{rest:path}` the (possibly empty) remainder;
    a trailing slash marks a folder, which `list` and `scan` answer with or without it.
    `login` needs no token, `open` needs none either and makes none (status, raw public keys);
    `sudo` asks for that capability besides; `exists` tells create from update;
    `sealed` answers while the barrier is closed; `unaudited` makes no entry (health probes).
    """

    path: str
    read: Handler | None = None
    list: Handler | None = None
    scan: Handler | None = None
    write: Handler | None = None
    patch: Handler | None = None
    delete: Handler | None = None
    exists: Existence | None = None
    login: bool = False
    open: bool = False
    sudo: bool = False
    sealed: bool = False
    unaudited: bool = False
    summary: str = ""
    description: str = ""
    plain_fields: tuple[str, ...] = ()
    bound: dict[Operation, Bound] = field(init=False, repr=False, compare=False)
    exists_bound: Bound | None = field(init=False, repr=False, compare=False)
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        operations = (op for op in Operation if op is not Operation.HELP)
        handlers = {op: getattr(self, op.value) for op in operations}
        bound = {op: bind(handler) for op, handler in handlers.items() if handler is not None}
        object.__setattr__(self, "bound", bound)
        object.__setattr__(self, "exists_bound", bind(self.exists) if self.exists else None)
        object.__setattr__(self, "pattern", re.compile(_regex(self.path)))

    @property
    def first(self) -> str:
        """The first segment when it is literal, else empty: the index of `find`."""
        head = self.path.split("/", 1)[0]
        return "" if "{" in head else head


def _regex(path: str) -> str:
    """A route's pattern over a path without its trailing slash.

    `{rest:path}` at the end also matches nothing, together with the slash before it.
    """
    text = path.rstrip("/")
    out, last = "", 0
    for capture in _CAPTURE.finditer(text):
        literal = re.escape(text[last : capture.start()])
        name, greedy = capture.groups()
        if greedy and literal.endswith("/") and capture.end() == len(text):
            out += f"{literal[:-1]}(?:/(?P<{name}>.*))?"
        else:
            out += f"{literal}(?P<{name}>{'.*' if greedy else '[^/]+'})"
        last = capture.end()
    return out + re.escape(text[last:])


class Engine:
    """What answers at a mount: a secrets engine, an auth method or a part of the system.

    Subclasses set `kind` and `routes` and hold no state. `trusted` engines (the
    system's own) are handed the core as `ctx.house`; those that keep time are
    asked every second whether something is due. `within` answers in its place in namespaces.
    """

    kind: ClassVar[str]
    routes: ClassVar[tuple[Route, ...]] = ()
    summary: ClassVar[str] = ""
    trusted: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = False
    versions: ClassVar[Mapping[str, type["Engine"]]] = {}
    default_options: ClassVar[Mapping[str, str]] = {}
    within: ClassVar[type["Engine"] | None] = None
    _index: ClassVar[Mapping[str, tuple[Route, ...]]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        firsts = {route.first for route in cls.routes} - {""}
        index = {
            first: tuple(route for route in cls.routes if route.first in (first, "")) for first in firsts
        }
        index[""] = tuple(route for route in cls.routes if not route.first)
        cls._index = index

    @classmethod
    def find(cls, path: str, operation: Operation) -> tuple[Route, dict[str, str]] | None:
        """The first route that matches `path` (relative to the mount) and answers `operation`.

        Returns None when no route matches; raises UnsupportedOperation when one
        does, but none for this operation.
        """
        bare = path.removesuffix("/")
        matched = False
        for route in cls._index.get(bare.split("/", 1)[0], cls._index[""]):
            match = route.pattern.fullmatch(bare)
            if match is None:
                continue
            matched = True
            if operation in route.bound or operation is Operation.HELP:
                captures = {name: value or "" for name, value in match.groupdict().items()}
                return route, captures
        if matched:
            raise UnsupportedOperation("unsupported operation")
        return None

    async def mounted(self, ctx: "Context") -> None:
        """Prepare a new mount, in the transaction that creates it."""

    async def unmounting(self, ctx: "Context") -> None:
        """Last call before the mount's storage is deleted; leases are revoked already."""

    async def attend(self, ctx: "Context") -> bool:
        """Do one thing that is due, in a transaction of its own; called each second if `keeps_time`.

        Returns whether there may be more to do at once.
        """
        return False

    async def renew(self, ctx: "Context", lease: Lease, increment: int) -> Lease:
        """Extend an issued secret outside, by the `lease.ttl` now granted; the default does nothing."""
        return lease

    async def revoke(self, ctx: "Context", lease: Lease) -> None:
        """End an issued secret outside. May run more than once; must then succeed."""

    async def login_role(self, ctx: "Context") -> str:
        """The role that a login is for, as quotas mean it; empty when it names none."""
        role = ctx.request.fields.get("role", "")
        return role if isinstance(role, str) else ""

    async def renew_login(self, ctx: "Context", auth: Auth) -> Auth:
        """Check again what login checked (role there, policies the same); raise to refuse renewal."""
        return auth
