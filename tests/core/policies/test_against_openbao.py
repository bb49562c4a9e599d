"""The same policy text, path and operation decide the same as in a real OpenBao server.

Left out are the places where ours is stricter on purpose: numbers compared as text,
denied values inside lists, an exact denial beside a granted folder of that name.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.core.policies import compile_acl, parse_policy
from strongroom.errors import InvalidRequest
from strongroom.framework import Operation
from tests.suites.openbao import BAO, OpenBao, running

pytestmark = pytest.mark.slow

BOUNDED = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("openbao")) as server:
        assert server.call("POST", "sys/mounts/kv", {"type": "kv"})[0] == 204
        yield server


def accepts(openbao: OpenBao, text: str) -> bool:
    return openbao.call("POST", "sys/policies/acl/probe", {"policy": text})[0] == 204


def set_policies(openbao: OpenBao, texts: list[str]) -> None:
    """Make `p0`, `p1`, … what the test token carries."""
    for number in range(3):
        text = texts[number] if number < len(texts) else "# nothing"
        assert openbao.call("POST", f"sys/policies/acl/p{number}", {"policy": text})[0] == 204


@pytest.fixture(scope="module")
def token(openbao: OpenBao) -> str:
    set_policies(openbao, [])
    body = {"policies": ["p0", "p1", "p2"], "no_default_policy": True}
    made: str = openbao.call("POST", "auth/token/create", body)[1]["auth"]["client_token"]
    return made


def block(path: str, capabilities: list[str], **more: str) -> str:
    listed = ", ".join(f'"{name}"' for name in capabilities)
    return (
        f'path "{path}" {{ capabilities = [{listed}] '
        + " ".join(f"{k} = {v}" for k, v in more.items())
        + " }\n"
    )


segment = st.sampled_from(["a", "b", "ab", "abc", "c"])
rule_paths = st.builds(
    lambda parts, tail: "kv/" + "/".join(parts) + tail,
    st.lists(segment | st.just("+"), min_size=1, max_size=3),
    st.sampled_from(["", "/*", "/", "/a*", "/ab*", "*"]),
).filter(lambda path: "+*" not in path) | st.sampled_from(["kv/*", "*", "+/a", "+/+", "kv/+/*", "+/*"])
capability_sets = st.lists(
    st.sampled_from(["create", "read", "update", "patch", "delete", "list", "scan", "sudo", "deny"]),
    min_size=1,
    max_size=3,
    unique=True,
)
policy_texts = st.lists(
    st.lists(st.builds(block, rule_paths, capability_sets), min_size=1, max_size=4).map("".join),
    min_size=1,
    max_size=3,
)
targets = st.lists(segment, min_size=1, max_size=3).map(lambda parts: "kv/" + "/".join(parts))


def ours(texts: list[str]) -> Any:
    return compile_acl([parse_policy(f"p{n}", text) for n, text in enumerate(texts)])


@BOUNDED
@given(texts=policy_texts, paths=st.lists(targets | targets.map(lambda p: p + "/"), min_size=8, max_size=14))
def test_capabilities_agree(openbao: OpenBao, token: str, texts: list[str], paths: list[str]) -> None:
    set_policies(openbao, texts)
    theirs = openbao.call("POST", "sys/capabilities", {"token": token, "paths": paths})[1]["data"]
    acl = ours(texts)
    for path in paths:
        mine = acl.capabilities(path)
        stricter = path.endswith("/") and acl.capabilities(path.rstrip("/")) == ["deny"] == mine
        assert mine == sorted(theirs[path]) or stricter, path


METHODS = {
    Operation.READ: "GET",
    Operation.LIST: "LIST",
    Operation.SCAN: "SCAN",
    Operation.WRITE: "POST",
    Operation.DELETE: "DELETE",
}


@BOUNDED
@given(
    texts=policy_texts,
    steps=st.lists(st.tuples(st.sampled_from(list(METHODS)), targets, st.booleans()), min_size=4, max_size=8),
)
def test_operations_agree(
    openbao: OpenBao, token: str, texts: list[str], steps: list[tuple[Operation, str, bool]]
) -> None:
    set_policies(openbao, texts)
    acl = ours(texts)
    for operation, path, slash in steps:
        listing = operation in (Operation.LIST, Operation.SCAN)
        spelled = f"{path}/" if slash and listing else path
        exists = openbao.call("GET", path)[0] == 200 if operation is Operation.WRITE else None
        body = {"x": "1"} if operation is Operation.WRITE else None
        status = openbao.call(METHODS[operation], spelled, body, token)[0]
        mine = acl.check(spelled, operation, exists, fields=lambda: {"x": "1"}).allowed
        stricter = listing and acl.capabilities(path) == ["deny"] and not mine
        assert mine == (status != 403) or stricter, (operation, spelled, status)


values = st.sampled_from(["", "1", "12", "ab", "*", "a*", "ba", "bab"])
names = st.sampled_from(["x", "y", "X", "z"])
# Not two spellings of one name: which of them OpenBao keeps differs from run to run.
lists = st.dictionaries(names | st.just("*"), st.lists(values, max_size=2), max_size=2).filter(
    lambda made: len({name.lower() for name in made}) == len(made)
)


def written(lists: dict[str, list[str]]) -> str:
    return "{ " + ", ".join(f'"{name}" = {json.dumps(items)}' for name, items in lists.items()) + " }"


def limited(allowed: dict[str, list[str]], denied: dict[str, list[str]], required: list[str]) -> str:
    more = {}
    if allowed:
        more["allowed_parameters"] = written(allowed)
    if denied:
        more["denied_parameters"] = written(denied)
    if required:
        more["required_parameters"] = json.dumps(required)
    return block("kv/p", ["create", "update"], **more)


limits = st.builds(limited, lists, lists, st.lists(st.sampled_from(["x", "y"]), max_size=1))
bodies = st.dictionaries(
    st.sampled_from(["x", "y", "z", "X"]), values | st.sampled_from([1, 12, True]), min_size=1, max_size=2
).filter(lambda made: len({name.lower() for name in made}) == len(made))


@BOUNDED
@given(texts=st.lists(limits, min_size=1, max_size=2), sent=st.lists(bodies, min_size=4, max_size=6))
def test_parameters_agree(
    openbao: OpenBao, token: str, texts: list[str], sent: list[dict[str, object]]
) -> None:
    set_policies(openbao, texts)
    acl = ours(texts)
    for body in sent:
        theirs = openbao.call("POST", "kv/p", body, token)[0] != 403
        mine = acl.check("kv/p", Operation.WRITE, fields=lambda body=body: body).allowed
        stricter = not mine and any(not isinstance(value, str) for value in body.values())
        assert mine == theirs or stricter, body


TEXTS = [
    'path "a" { capabilities = ["read"] }',
    'path "a" { capabilities = ["read",] }',
    'path "a" { capabilities = ["read" "list"] }',
    'path "a" { capabilities = ["read",,"list"] }',
    'path "a" { capabilities = "read" }',
    'path "a" { capabilities = ["foo"] }',
    'path "a" { capabilities = [read] }',
    'path a { capabilities = ["read"] }',
    '"path" "a" { "capabilities" = ["read"] }',
    'path "a" = { capabilities = ["read"] }',
    'path = "a"',
    "path {}",
    'PATH "a" {}',
    'pth "a" {}',
    'path "a" { policy = "write" }',
    'path "a" { policy = "x" }',
    'path "a" { bogus = 1 }',
    'path "a" {',
    'path "a" }',
    "path 'a' {}",
    'path "a\nb" {}',
    'path "a/+*" {}',
    'path "a{{x" {}',
    'path "a{{x}}" {}',
    'path "a" { capabilities = ["read"]; }',
    'path "a" { capabilities: ["read"] }',
    'path "a" { min_wrapping_ttl = "x" }',
    'path "a" { min_wrapping_ttl = 5 max_wrapping_ttl = 3 }',
    'path "a" { min_wrapping_ttl = "1d" }',
    'path "a" { allowed_parameters = { "a" = "x" } }',
    'path "a" { allowed_parameters = "x" }',
    'path "a" { allowed_parameters { a = ["${x("y")}"] } }',
    'path "a" { required_parameters = "x" }',
    'path "a" { pagination_limit = "5" }',
    'path "a" { pagination_limit = 1.5 }',
    'path "a" { expiration = "x" }',
    'path "a" { expiration = "2020-01-01T00:00:00Z" }',
    'path "a" { comment = "x" }',
    '{"path": {"a": {"capabilities": ["read"]}}}',
    '{"path": [{"a": {"capabilities": ["read"]}}, {"b": {"policy": "read"}}]}',
    "# nothing",
    "/* nothing",
    'name = "x"',
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_texts_are_accepted(openbao: OpenBao, text: str) -> None:
    try:
        parse_policy("probe", text)
    except InvalidRequest:
        mine = False
    else:
        mine = True
    assert mine == accepts(openbao, text)


def test_what_bao_formats_means_the_same(openbao: OpenBao, tmp_path: Path) -> None:
    text = 'path "a/*" {capabilities=["read","list"]\nallowed_parameters={"x"=["1",2,true],y=[]}\n}\n# end\npath "b" {policy="write"}'
    file = tmp_path / "p.hcl"
    file.write_text(text)
    subprocess.run([str(BAO), "policy", "fmt", str(file)], check=True, capture_output=True)
    assert file.read_text() != text
    assert parse_policy("p", file.read_text()).rules == parse_policy("p", text).rules
