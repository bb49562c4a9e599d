"""schemathesis over the operations of the server's own OpenAPI document: bad input is never a 5xx."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from tests.server.process import Server, start

pytestmark = pytest.mark.slow

# These end the session that the others need: they close the server, take the token away or limit requests.
# The health check answers with the status that it is asked for.
ENDS_THE_RUN = (
    "/sys/seal", "/sys/unseal", "/sys/init", "/sys/rekey", "/sys/generate-root", "/sys/rotate",
    "/sys/leases/revoke", "/auth/token/revoke", "/sys/quotas/rate-limit", "/sys/health",
)  # fmt: skip
MOUNTS = {"sys/mounts/kv": "kv", "sys/auth/userpass": "userpass", "sys/auth/approle": "approle"}
TOKEN = {"X-Vault-Token": "fuzz-root"}


def prepared(server: Server) -> schemathesis.schemas.BaseSchema:
    base = f"http://127.0.0.1:{server.port}/v1"
    for path, kind in MOUNTS.items():
        requests.post(f"{base}/{path}", json={"type": kind}, headers=TOKEN, timeout=20).raise_for_status()
    document = requests.get(f"{base}/sys/internal/specs/openapi", headers=TOKEN, timeout=20).json()
    return schemathesis.openapi.from_dict(document)


def test_no_input_gets_a_5xx() -> None:
    faults: set[str] = set()
    with start("--dev", "--dev-root-token-id", TOKEN["X-Vault-Token"]) as server:
        operations = [found.ok() for found in prepared(server).get_all_operations() if isinstance(found, Ok)]
        asked = [operation for operation in operations if not operation.path.startswith(ENDS_THE_RUN)]
        for operation in asked:
            faults |= faults_of(operation, f"http://127.0.0.1:{server.port}/v1")
    assert len(asked) > 50
    assert not faults


def faults_of(operation: schemathesis.schemas.APIOperation[Any, Any, Any, Any], base: str) -> set[str]:
    found: set[str] = set()

    @settings(
        max_examples=5,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=base, headers=TOKEN, timeout=20)
        if answer.status_code >= 500:
            found.add(f"{operation.label}: {answer.status_code} {answer.text[:100]}")

    ask()
    return found
