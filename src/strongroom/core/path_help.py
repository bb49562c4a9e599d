"""What `?help=1` answers: a mount's routes at its root, else the route that a path leads to.

Rendered from the route table. The form is Vault's: `help`, `see_also`, `openapi`.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from strongroom.core.router import Target
from strongroom.core.visit import nothing_there
from strongroom.framework import Engine, Operation, Request, Response, Route
from strongroom.framework.engine import Bound, Nothing
from strongroom.framework.meanings import meaning

Describe = Callable[[str, type[Engine], Route | None], dict[str, Any]]

METHODS: Mapping[Operation, str] = {
    Operation.READ: "GET",
    Operation.LIST: "LIST, or GET with ?list=true",
    Operation.SCAN: "SCAN, or GET with ?scan=true",
    Operation.WRITE: "POST or PUT",
    Operation.PATCH: "PATCH, application/merge-patch+json",
    Operation.DELETE: "DELETE",
}
_WIRE = {
    "duration": "duration (sec)",
    "list": "slice",
    "cidrs": "slice",
    "texts": "slice",
    "pairs": "keypair",
}
_PLAIN: Mapping[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.LiteralType: "string",
    inspect.IntType: "int",
    inspect.FloatType: "float",
    inspect.BoolType: "bool",
    inspect.ListType: "slice",
    inspect.VarTupleType: "slice",
    inspect.DictType: "map",
}
WIDTH = 76


def help_of(request: Request, target: Target, describe: Describe | None) -> Response:
    """Tell of the route that `target` names, or of its mount. Raises as `nothing_there` where nothing is."""
    mount, engine, route = target.mount, target.engine, target.found.route
    if mount is None or engine is None or (route is None and target.path):
        raise nothing_there(request, target)
    at_root = not target.path
    text = _of_mount(engine) if at_root or route is None else _of_route(target.path, route)
    document = describe(mount.path, type(engine), None if at_root else route) if describe else None
    return Response({"help": text, "see_also": None, "openapi": document}, bare=True)


def _of_mount(engine: Engine) -> str:
    lines = [*_wrapped(engine.summary, ""), "", "## PATHS", ""]
    for route in sorted(engine.routes, key=lambda route: route.path):
        lines += [f"    {_shown(route)}", *_wrapped(route.summary, " " * 8), ""]
    return "\n".join(("## DESCRIPTION", "", *lines)).rstrip() + "\n"


def _of_route(path: str, route: Route) -> str:
    lines = [f"Request:        {path}", f"Matching Route: {_shown(route)}", "", *_wrapped(route.summary, "")]
    parameters = list(_parameters(route))
    if parameters:
        lines += ["", "## PARAMETERS", ""]
    for name, kind, means in parameters:
        lines += [f"    {name} ({kind})", *_wrapped(means, " " * 8), ""]
    if route.description:
        lines += ["", "## DESCRIPTION", ""]
        for paragraph in route.description.split("\n\n"):
            lines += [*_wrapped(paragraph, ""), ""]
    lines += ["", "## OPERATIONS", ""]
    for operation, bound in route.bound.items():
        lines += [f"    {METHODS[operation]}", *_wrapped(_deed(operation, bound), " " * 8), ""]
    lines += _wrapped(_access(route), "")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _shown(route: Route) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", r"{\1}", route.path) or "/"


def _wrapped(text: str, indent: str) -> list[str]:
    plain = " ".join(text.split())
    return textwrap.wrap(plain, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _deed(operation: Operation, bound: Bound) -> str:
    """The handler's first line, or what its request struct holds."""
    told = _first(bound.handler.__doc__)
    if told or bound.kind is Nothing:
        return told or f"{operation.value.capitalize()}."
    return f"Takes: {_first(bound.kind.__doc__)}"


def _first(text: str | None) -> str:
    return (text or "").strip().split("\n\n", 1)[0]


def _access(route: Route) -> str:
    if route.login:
        return "A login: it needs no token, and makes one."
    if route.open:
        sealed = " It answers while the server is sealed, too." if route.sealed else ""
        return f"No token is needed.{sealed}"
    return "A token with the capability 'sudo' is needed." if route.sudo else "A token is needed."


def _parameters(route: Route) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning of all that the route's operations take, each once, by name."""
    found: dict[str, tuple[str, str]] = {}
    for bound in route.bound.values():
        for member in msgspec.inspect.type_info(bound.kind).fields:  # type: ignore[attr-defined]  # a StructType
            required = ", required" if member.required else ""
            entry = f"{_type(member.type)}{required}", meaning(bound.kind, member.encode_name)
            found.setdefault(member.encode_name, entry)
    yield from ((name, *entry) for name, entry in sorted(found.items()))


def _type(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.UnionType):
        options = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
        return _type(options[0]) if options else "any"
    if isinstance(kind, inspect.Metadata):
        wire = (kind.extra or {}).get("wire", "")
        return _WIRE.get(wire) or _type(kind.type)
    return _PLAIN.get(type(kind), "any")
