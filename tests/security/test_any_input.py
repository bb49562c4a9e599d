"""schemathesis on the server's own OpenAPI document: no input makes a 5xx, and answers are as described."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.contract.peers import Peer
from tests.server.process import start

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
SKIPPED = {
    "/sys/seal",
    "/sys/unseal",
    "/auth/token/revoke-self",
    "/sys/metrics",
    "/sys/internal/specs/openapi",
}
EXAMPLES = int(os.environ.get("STRONGROOM_EXAMPLES", "6"))
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    place: Path = tmp_path_factory.mktemp("any")
    config = place / "strongroom.toml"
    config.write_text(f'[audit]\napi_devices = true\nfile_directory = "{place}"\n')
    with start("--dev", "--dev-root-token-id", "root", "--config", config) as server:
        made = Peer(server.port, "root")
        made.call("POST", "sys/auth/userpass", {"type": "userpass"})
        made.call("POST", "sys/auth/approle", {"type": "approle"})
        made.call("POST", "sys/mounts/one", {"type": "kv"})
        made.call("POST", "auth/userpass/users/ann", {"password": "long-enough"})
        yield made
        assert made.call("GET", "sys/health").status == 200
        made.close()


def test_no_input_makes_a_server_error(peer: Peer) -> None:
    schema: Any = schemathesis.openapi.from_url(
        f"{peer.url}/v1/sys/internal/specs/openapi", headers={"X-Vault-Token": "root"}
    )
    failures: list[str] = []
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in SKIPPED:
            continue
        tried += 1
        failures += problems(operation)
    assert tried > 100
    assert not failures, "\n".join(failures)


def problems(operation: Any) -> list[str]:
    """What the checks find wrong with the answers to generated inputs of one operation."""
    found: list[str] = []

    @BOUNDED
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        response = case.call(headers={"X-Vault-Token": "root"})
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            found.append(f"{case.method} {case.path} {case.body!r:.200} {case.query}: {group.exceptions}")

    ask()
    return found
