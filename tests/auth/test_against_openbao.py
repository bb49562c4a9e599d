"""The same administration and sign-ins get the same answers from a real OpenBao server.

Each row is one request to a fresh mount of both, in order. Compared are the status and
the data without ids and times. Rows where OpenBao answers a caller's mistake with 500,
or where ours is stricter on purpose, are not here.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from strongroom.api.errors import status_of
from strongroom.auth.approle import AppRole
from strongroom.auth.userpass import Userpass
from strongroom.errors import StrongroomError
from strongroom.framework import Operation
from tests.suites.engine import Bench, bench, plain
from tests.suites.openbao import OpenBao, running

pytestmark = pytest.mark.slow

OPERATIONS = {
    "GET": Operation.READ,
    "LIST": Operation.LIST,
    "POST": Operation.WRITE,
    "DELETE": Operation.DELETE,
}
VOLATILE = {
    "role_id",
    "secret_id",
    "secret_id_accessor",
    "creation_time",
    "expiration_time",
    "last_updated_time",
}

Row = tuple[str, str, Any]

USERPASS: list[Row] = [
    ("LIST", "users", None),
    ("POST", "users/Bob", {"password": "pw", "token_policies": "b,a"}),
    ("GET", "users/bob", None),
    ("GET", "users/BOB", None),
    ("GET", "users/none", None),
    ("LIST", "users", None),
    ("POST", "users/bob", {"token_ttl": "1h", "token_bound_cidrs": "127.0.0.1/32"}),
    ("GET", "users/bob", None),
    ("POST", "users/eve", {}),
    ("POST", "users/eve", {"password": ""}),
    ("POST", "users/bob/password", {}),
    ("POST", "users/bob/password", {"password": "new"}),
    ("POST", "users/bob/policies", {"policies": "Z"}),
    ("GET", "users/bob", None),
    ("POST", "users/bob/policies", {"token_policies": ["q", "Q"]}),
    ("GET", "users/bob", None),
    ("POST", "login/bob", {"password": "new"}),
    ("POST", "login/BOB", {"password": "new"}),
    ("POST", "login/bob", {"password": "pw"}),
    ("POST", "login/none", {"password": "pw"}),
    ("POST", "users/bob", {"token_ttl": "2h", "token_max_ttl": "1h"}),
    ("POST", "users/bob", {"token_type": "bogus"}),
    ("POST", "users/bob", {"token_num_uses": -1}),
    ("POST", "users/bob", {"token_type": "batch", "token_num_uses": 3}),
    ("POST", "users/bob", {"policies": "p", "ttl": "1m", "max_ttl": 300, "bound_cidrs": "127.0.0.1"}),
    ("GET", "users/bob", None),
    *[("POST", "login/bob", {"password": "wrong"})] * 6,
    ("POST", "login/bob", {"password": "new"}),
    ("DELETE", "users/bob", None),
    ("DELETE", "users/bob", None),
    ("LIST", "users", None),
]

APPROLE: list[Row] = [
    ("LIST", "role", None),
    ("POST", "role/Ci", {"token_policies": "a", "role_id": "rid"}),
    ("GET", "role/ci", None),
    ("GET", "role/none", None),
    ("LIST", "role", None),
    (
        "POST",
        "role/open",
        {"bind_secret_id": False, "secret_id_bound_cidrs": "127.0.0.1/32", "role_id": "open"},
    ),
    ("POST", "role/open/secret-id", {}),
    ("LIST", "role/open/secret-id", None),
    ("POST", "login", {"role_id": "open"}),
    ("POST", "role/x", {"token_ttl": "2h", "token_max_ttl": "1h"}),
    ("GET", "role/none/role-id", None),
    ("POST", "role/ci/role-id", {}),
    ("POST", "role/ci/role-id", {"role_id": "chosen"}),
    ("GET", "role/ci/policies", None),
    ("POST", "role/ci/policies", {"token_policies": "x,y"}),
    ("GET", "role/ci/policies", None),
    ("POST", "role/ci/policies", {"policies": "x,z"}),
    ("GET", "role/ci/policies", None),
    ("POST", "role/ci/policies", {}),
    ("DELETE", "role/ci/policies", None),
    ("GET", "role/none/period", None),
    ("POST", "role/none/period", {"token_period": 1}),
    *[
        (method, f"role/ci/{path}", {field: value} if method == "POST" else None)
        for path, field, value in (
            ("period", "token_period", "1h"),
            ("secret-id-num-uses", "secret_id_num_uses", 3),
            ("secret-id-ttl", "secret_id_ttl", "5m"),
            ("token-ttl", "token_ttl", "5m"),
            ("token-max-ttl", "token_max_ttl", "10m"),
            ("token-num-uses", "token_num_uses", 2),
            ("secret-id-bound-cidrs", "secret_id_bound_cidrs", ["127.0.0.0/8"]),
        )
        for method in ("POST", "GET", "DELETE", "GET", "POST")
    ],
    ("POST", "role/ci/secret-id-num-uses", {"secret_id_num_uses": -3}),
    ("GET", "role/ci", None),
    ("GET", "role/ci/local-secret-ids", None),
    ("DELETE", "role/ci/local-secret-ids", None),
    ("POST", "role/ci/secret-id", {"metadata": '{"a":"b"}', "ttl": "2m", "num_uses": 1}),
    ("POST", "role/ci/secret-id", {"num_uses": 99}),
    ("POST", "role/ci/secret-id", {"num_uses": 0}),
    ("POST", "role/ci/secret-id", {"num_uses": -1}),
    ("POST", "role/ci/secret-id", {"ttl": "99h"}),
    ("POST", "role/ci/secret-id", {"metadata": "x"}),
    ("POST", "role/none/secret-id", {}),
    ("POST", "role/ci/custom-secret-id", {}),
    ("POST", "role/ci/custom-secret-id", {"secret_id": "mine", "metadata": '{"x":"1"}', "num_uses": 2}),
    ("POST", "role/ci/secret-id/lookup", {"secret_id": "mine"}),
    ("POST", "role/open/secret-id/lookup", {"secret_id": "mine"}),
    ("POST", "role/ci/secret-id/lookup", {"secret_id": "none"}),
    ("POST", "role/ci/secret-id/lookup", {}),
    ("POST", "role/ci/secret-id-accessor/lookup", {}),
    ("POST", "role/ci/secret-id-accessor/lookup", {"secret_id_accessor": "none"}),
    ("POST", "login", {"role_id": "none"}),
    ("POST", "login", {"role_id": "chosen"}),
    ("POST", "login", {"role_id": "chosen", "secret_id": "none"}),
    ("POST", "login", {"role_id": "rid", "secret_id": "mine"}),
    ("POST", "login", {"role_id": "open", "secret_id": "mine"}),
    ("POST", "login", {"role_id": "chosen", "secret_id": "mine"}),
    ("POST", "role/ci/secret-id/lookup", {"secret_id": "mine"}),
    ("POST", "login", {"role_id": "chosen", "secret_id": "mine"}),
    ("POST", "login", {"role_id": "chosen", "secret_id": "mine"}),
    ("POST", "role/ci/secret-id/lookup", {"secret_id": "mine"}),
    ("POST", "role/ci/custom-secret-id", {"secret_id": "mine"}),
    ("POST", "role/ci/secret-id/destroy", {"secret_id": "mine"}),
    ("POST", "role/ci/secret-id/destroy", {"secret_id": "mine"}),
    ("POST", "role/ci/secret-id/destroy", {}),
    ("POST", "login", {"role_id": "chosen", "secret_id": "mine"}),
    ("POST", "role/near", {"local_secret_ids": True}),
    ("POST", "role/near", {"local_secret_ids": False}),
    ("POST", "role/b", {"token_type": "batch", "token_period": "1h"}),
    ("POST", "role/b", {"token_type": "default-batch"}),
    ("GET", "role/b", None),
    ("POST", "tidy/secret-id", None),
    ("DELETE", "role/ci", None),
    ("DELETE", "role/ci", None),
    ("GET", "role/ci", None),
]


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def steady(value: Any) -> Any:
    """Data without what differs from run to run; policies sorted, no networks as null."""
    if not isinstance(value, dict):
        return None
    kept = {key: member for key, member in value.items() if key not in VOLATILE}
    for key, member in kept.items():
        if key.endswith("policies"):
            kept[key] = sorted(member or ())
        elif key.endswith(("cidrs", "cidr_list")):
            kept[key] = member or None
    return kept


async def ours(method: Bench, row: Row) -> tuple[int, Any, Any]:
    verb, path, body = row
    try:
        response = await method.call(OPERATIONS[verb], path, body)
    except StrongroomError as error:
        return status_of(error), None, None
    auth = response.auth
    full = response.data is not None or response.warnings or auth
    issued = (tuple(sorted(auth.policies)), auth.metadata, auth.num_uses) if auth else None
    return response.status or (200 if full else 204), steady(plain(response.data)), issued


def theirs(openbao: OpenBao, mount: str, row: Row) -> tuple[int, Any, Any]:
    verb, path, body = row
    status, answer = openbao.call(verb, f"auth/{mount}/{path}", body)
    answer = answer or {}
    auth = answer.get("auth")
    policies = tuple(name for name in auth["policies"] if name != "default") if auth else ()
    issued = (policies, auth["metadata"], auth["num_uses"]) if auth else None
    return status, steady(answer.get("data")) if status < 300 else None, issued


@pytest.mark.parametrize(("kind", "rows"), [("userpass", USERPASS), ("approle", APPROLE)])
async def test_the_same_requests_get_the_same_answers(openbao: OpenBao, kind: str, rows: list[Row]) -> None:
    assert openbao.call("POST", f"sys/auth/{kind}", {"type": kind})[0] == 204
    method = await bench({"userpass": Userpass, "approle": AppRole}[kind](), f"auth/{kind}/")
    differing = []
    for row in rows:
        mine, other = await ours(method, row), theirs(openbao, kind, row)
        if mine != other:
            differing.append((row, mine, other))
    assert differing == []
