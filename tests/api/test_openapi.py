"""The OpenAPI document of the engines that the server knows."""

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis

from strongroom.api.openapi import document
from strongroom.server.assembly import AUTH_METHODS, ENGINES
from strongroom.system.ceremonies import Permissions
from strongroom.system.engine import system

MOUNTS = [
    ("sys/", type(system(Permissions()))),
    *((f"{kind}/", type(engine)) for kind, engine in ENGINES.items()),
    *((f"auth/{kind}/", type(method)) for kind, method in AUTH_METHODS.items()),
]


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return document(MOUNTS)


def test_it_is_json_and_schemathesis_reads_every_operation(spec: dict[str, Any]) -> None:
    loaded = schemathesis.openapi.from_dict(msgspec.json.decode(msgspec.json.encode(spec)))
    operations = list(loaded.get_all_operations())
    assert len(operations) > 50
    assert all(type(operation).__name__ == "Ok" for operation in operations)


def test_every_schema_is_one(spec: dict[str, Any]) -> None:
    for schema in spec["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**schema, "$schema": "http://json-schema.org/draft-04/schema#"})


def test_every_route_is_described(spec: dict[str, Any]) -> None:
    for mount, engine in MOUNTS:
        for route in engine.routes:
            plain = "/" + mount + re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
            assert plain in spec["paths"] or plain.rstrip("/") + "/" in spec["paths"], plain


def test_operation_ids_are_unique(spec: dict[str, Any]) -> None:
    ids = [
        operation["operationId"]
        for item in spec["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert sorted(ids) == sorted(set(ids))


def test_captures_are_path_parameters_and_not_in_the_body(spec: dict[str, Any]) -> None:
    for path, item in spec["paths"].items():
        captures = re.findall(r"\{(\w+)\}", path)
        assert [parameter["name"] for parameter in item["parameters"]] == captures
        for method in ("post", "patch"):
            for content in item.get(method, {}).get("requestBody", {}).get("content", {}).values():
                assert not set(content["schema"]["properties"]) & set(captures)


def test_logins_need_no_token_and_the_rest_do(spec: dict[str, Any]) -> None:
    assert spec["paths"]["/auth/userpass/login/{username}"]["post"]["security"] == []
    assert {"token": []} in spec["paths"]["/sys/mounts"]["get"]["security"]
