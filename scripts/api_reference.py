"""Write docs/api.md: every route of every engine, from the tables that serve them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from strongroom.findings import Findings
from strongroom.framework import Engine, Operation, Route
from strongroom.inventory import Inventory
from strongroom.remediation import Incidents
from strongroom.rotation import RotationEngine
from strongroom.server.assembly import AUTH_METHODS, ENGINES
from strongroom.system.ceremonies import Permissions
from strongroom.system.engine import system

HEADER = """# API reference

Made from the route tables by `make api-reference`; a test checks that it is current. All paths are below
`/v1/`. `LIST` is the method or `GET …?list=true`, `SCAN` likewise; `POST` and `PUT` are the same. **open**
needs no token, **login** makes one, **sudo** needs that capability, **sealed** answers while the barrier is
closed.
"""
METHODS = {
    Operation.READ: "GET",
    Operation.LIST: "LIST",
    Operation.SCAN: "SCAN",
    Operation.WRITE: "POST",
    Operation.PATCH: "PATCH",
    Operation.DELETE: "DELETE",
}


def mounts() -> Iterator[tuple[str, str, Engine]]:
    """Title, where it is usually mounted, and the engine."""
    yield "System", "sys/", system(Permissions())
    yield "Inventory", "inventory/", Inventory()
    yield "Rotation", "rotation/", RotationEngine()
    yield "Findings", "findings/", Findings()
    yield "Incidents", "incidents/", Incidents()
    for kind, engine in sorted(ENGINES.items()):
        if not engine.versions:
            yield f"Engine {kind}", f"{kind}/", engine
        for version, chosen in sorted(engine.versions.items()):
            yield f"Engine {kind}, version {version}", f"{{{kind}{version}}}/", chosen()
    for kind, method in sorted(AUTH_METHODS.items()):
        where = f"auth/{kind}/" if method.trusted else f"auth/{{{kind}}}/"
        yield f"Auth method {kind}", where, method


def row(base: str, route: Route) -> str:
    """One line of a table."""
    marks = [name for name in ("open", "login", "sudo", "sealed") if getattr(route, name)]
    path = base + re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
    methods = " ".join(METHODS[operation] for operation in METHODS if operation in route.bound)
    return f"| {methods} | `{path}` | {route.summary} | {', '.join(marks)} |"


def document() -> str:
    """The whole page."""
    parts = [HEADER]
    for title, base, engine in mounts():
        rows = "\n".join(row(base, route) for route in engine.routes)
        parts.append(f"## {title}\n\n| method | path | | |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), "utf-8")
