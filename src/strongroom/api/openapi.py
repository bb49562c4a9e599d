"""An OpenAPI 3 document of the mounts' route tables, for `sys/internal/specs/openapi`.

Source: OpenAPI 3.0.3; operation ids in Vault's form: prefix, mount, path, joined with dashes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from strongroom.framework import Engine, Fields, Operation, Route
from strongroom.framework.meanings import meaning

VERSION = "3.0.3"
_CAPTURE = re.compile(r"\{(\w+)(?::path)?\}")
_REF = "#/components/schemas/{name}"
_VERBS = {
    Operation.READ: ("get", "read"),
    Operation.LIST: ("get", "list"),
    Operation.SCAN: ("get", "scan"),
    Operation.WRITE: ("post", "write"),
    Operation.PATCH: ("patch", "patch"),
    Operation.DELETE: ("delete", "delete"),
}
_FOLDERS = (Operation.LIST, Operation.SCAN)
_BODIES = {Operation.WRITE: "application/json", Operation.PATCH: "application/merge-patch+json"}
_SUCCESSES = {
    "200": {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}},
    "204": {"description": "Done; there is nothing to say."},
}
_REFUSED = {"$ref": "#/components/responses/Refused"}
_COMPONENTS: Mapping[str, Any] = {
    "securitySchemes": {
        "token": {"type": "apiKey", "in": "header", "name": "X-Vault-Token"},
        "bearer": {"type": "http", "scheme": "bearer"},
    },
    "responses": {
        "Refused": {
            "description": "Refused; the reasons are in `errors`.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"errors": {"type": "array", "items": {"type": "string"}}},
                    }
                }
            },
        }
    },
}


def document(mounts: Iterable[tuple[str, type[Engine]]]) -> dict[str, Any]:
    """Describe every route below every mount; a mount is its path with a trailing slash and its engine."""
    return _described([(mount, route) for mount, engine in mounts for route in engine.routes], "/v1")


def path_help(mount: str, engine: type[Engine], route: Route | None) -> dict[str, Any]:
    """Describe one mount, or one route of it, with paths that begin at the mount."""
    routes = engine.routes if route is None else (route,)
    return _described([("", each) for each in routes], f"/v1/{mount}".rstrip("/"))


SERVICES: Mapping[str, Any] = {"openapi": document, "path_help": path_help}


def _described(found: list[tuple[str, Route]], server: str) -> dict[str, Any]:
    kinds = {bound.kind for _, route in found for bound in route.bound.values()}
    schemas = Schemas(kinds)
    paths: dict[str, Any] = {}
    for mount, route in found:
        for path, entry in _entries(mount, route, schemas):
            paths.setdefault(path, {}).update(entry)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Strongroom",
            "description": "The HashiCorp Vault HTTP API, as mounted on this server.",
            "version": "1",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {**_COMPONENTS, "schemas": schemas.components},
    }


class Schemas:
    """The request structs as JSON schemas, each named once."""

    def __init__(self, kinds: Iterable[type[Fields]]) -> None:
        self._kinds = sorted(kinds, key=lambda kind: (kind.__module__, kind.__qualname__))
        references, made = msgspec.json.schema_components(self._kinds, ref_template=_REF)
        self._names = {
            kind: reference["$ref"].rpartition("/")[2]
            for kind, reference in zip(self._kinds, references, strict=True)
        }
        self.components = {name: _downgraded(schema) for name, schema in made.items()}

    def members(self, kind: type[Fields]) -> dict[str, Any]:
        """The members of a request struct by wire name."""
        members: dict[str, Any] = self.components[self._names[kind]].get("properties", {})
        return {name: _with_meaning(kind, name, schema) for name, schema in members.items()}

    def required(self, kind: type[Fields]) -> list[str]:
        """The members that must be sent."""
        names: list[str] = self.components[self._names[kind]].get("required", [])
        return names


def _with_meaning(kind: type[Fields], name: str, schema: dict[str, Any]) -> dict[str, Any]:
    text = meaning(kind, name)
    return {**schema, "description": text} if text else schema


def _entries(mount: str, route: Route, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    """A route's path items; listing has one of its own, with the trailing slash."""
    plain = "/" + mount + _CAPTURE.sub(r"{\1}", route.path)
    captures = _CAPTURE.findall(route.path)
    items: dict[str, dict[str, Any]] = {}
    for operation in route.bound:
        path = plain.rstrip("/") + "/" if operation in _FOLDERS else plain
        method, _ = _VERBS[operation]
        item = items.setdefault(path, {"parameters": [_capture(name) for name in captures]})
        if operation is Operation.SCAN and method in item:
            continue
        item[method] = _operation(mount, route, operation, schemas)
    yield from items.items()


def _operation(mount: str, route: Route, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    verb = _VERBS[operation][1]
    words = re.findall(r"\w+", mount + _CAPTURE.sub(r"by \1", route.path))
    described: dict[str, Any] = {
        "operationId": "-".join((verb, *words)).replace("_", "-"),
        "tags": [mount.rstrip("/")] if mount else [],
        "responses": {**_SUCCESSES, "default": _REFUSED},
        "security": [] if route.login or route.open else [{"token": []}, {"bearer": []}],
    }
    if route.summary:
        described["summary"] = route.summary
    if route.description:
        described["description"] = route.description
    if route.sudo:
        described["x-vault-sudo"] = True
    captures = _CAPTURE.findall(route.path)
    kind = route.bound[operation].kind
    members = {name: schema for name, schema in schemas.members(kind).items() if name not in captures}
    required = [name for name in schemas.required(kind) if name in members]
    if operation in _BODIES:
        described["requestBody"] = _body(operation, members, required)
    else:
        described["parameters"] = _parameters(operation, members, required)
    return described


def _body(operation: Operation, members: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": members}
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {_BODIES[operation]: {"schema": schema}}}


def _parameters(operation: Operation, members: dict[str, Any], required: list[str]) -> list[dict[str, Any]]:
    parameters = [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in members.items()
    ]
    if operation in _FOLDERS:
        asking = {"type": "string", "enum": ["true"]}
        verb = _VERBS[operation][1]
        parameters.insert(0, {"name": verb, "in": "query", "required": True, "schema": asking})
    return parameters


def _capture(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _downgraded(schema: Any) -> Any:
    """JSON Schema 2020-12 as msgspec writes it → OpenAPI 3.0's dialect: `nullable`, no `const`."""
    if isinstance(schema, list):
        return [_downgraded(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _downgraded(member) for key, member in schema.items() if key not in _NOT_IN_3_0}
    if "const" in schema:
        changed["enum"] = [schema["const"]]
    if changed.get("required") == []:
        del changed["required"]
    if schema.get("type") == "null":
        return {"nullable": True, "enum": [None]}
    options = changed.get("anyOf")
    if options is not None and {"nullable": True, "enum": [None]} in options:
        changed["anyOf"] = [option for option in options if option != {"nullable": True, "enum": [None]}]
        changed["nullable"] = True
    return changed


_NOT_IN_3_0 = frozenset({"const", "prefixItems", "propertyNames", "contentEncoding", "examples"})
