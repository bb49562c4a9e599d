"""Response wrapping, leases and capabilities."""

from tests.contract.step import Step

WRAP = {"X-Vault-Wrap-TTL": "60s"}
KEEP = {"wrap": "wrap_info.token"}

WRAPPING = (
    Step("POST", "sys/wrapping/wrap", {"a": "b"}),
    Step("POST", "sys/wrapping/wrap", {"a": "b", "n": 1}, headers=WRAP, keep=KEEP),
    Step("POST", "sys/wrapping/lookup", {"token": "{wrap}"}),
    Step("POST", "sys/wrapping/lookup", {"token": "{wrap}"}, token=""),
    Step("GET", "sys/wrapping/lookup", token="{wrap}"),
    Step("POST", "sys/wrapping/rewrap", {"token": "{wrap}"}, keep=KEEP),
    Step("POST", "sys/wrapping/unwrap", {"token": "{wrap}"}),
    Step("POST", "sys/wrapping/unwrap", {"token": "{wrap}"}),
    Step("POST", "sys/wrapping/lookup", {"token": "{wrap}"}),
    Step("POST", "sys/wrapping/rewrap", {"token": "{wrap}"}),
    Step("POST", "sys/wrapping/unwrap", {"token": "wrong"}),
    Step("POST", "sys/wrapping/unwrap", {}),
    Step("POST", "sys/wrapping/unwrap", {}, token=""),
    Step("GET", "secret/config", headers=WRAP, keep=KEEP),
    Step("POST", "sys/wrapping/unwrap", {}, token="{wrap}"),
    Step("POST", "sys/wrapping/unwrap", {}, token="{wrap}"),
    Step("POST", "auth/token/create", {"ttl": "1h"}, headers=WRAP, keep=KEEP),
    Step("GET", "auth/token/lookup-self", token="{wrap}"),
    Step("GET", "secret/config", token="{wrap}"),
    Step("POST", "auth/token/create", {"ttl": "1h"}, headers=WRAP, keep=KEEP),
    Step("PUT", "sys/wrapping/unwrap", {"token": "{wrap}"}, token=""),
    Step("GET", "secret/data/none", headers=WRAP),
    Step("POST", "secret/data/w", {"data": {"a": 1}}, headers={"X-Vault-Wrap-TTL": "bad"}),
    Step("GET", "sys/mounts", headers={"X-Vault-Wrap-TTL": "0"}),
    Step("GET", "sys/mounts", headers={"X-Vault-Wrap-TTL": "-1"}),
    Step("GET", "cubbyhole/none", headers=WRAP),
)

LEASES = (
    Step("POST", "sys/leases/lookup", {"lease_id": "auth/none/1"}),
    Step("POST", "sys/leases/lookup", {}),
    Step("LIST", "sys/leases/lookup/auth/none"),
    Step("POST", "sys/leases/renew", {"lease_id": "none"}),
    Step("POST", "sys/leases/renew", {}),
    Step("POST", "sys/leases/revoke", {"lease_id": "none"}),
    Step("POST", "sys/leases/revoke", {}),
    Step("POST", "sys/leases/revoke-prefix/auth/none", {}),
    Step("POST", "sys/leases/revoke-force/auth/none", {}),
    Step("POST", "sys/leases/tidy", {}),
    Step("GET", "sys/leases/count?type=irrevocable"),
    Step("POST", "sys/renew", {"lease_id": "none"}),
    Step("POST", "sys/revoke", {"lease_id": "none"}),
)

CAPABILITIES = (
    Step(
        "POST", "sys/policies/acl/caps", {"policy": 'path "secret/data/*" { capabilities = ["read","list"] }'}
    ),
    Step(
        "POST",
        "auth/token/create",
        {"policies": ["caps"], "ttl": "1h"},
        keep={"child": "auth.client_token", "accessor": "auth.accessor"},
    ),
    Step("POST", "sys/capabilities", {"token": "{child}", "paths": ["secret/data/a", "sys/mounts"]}),
    Step("POST", "sys/capabilities", {"token": "{child}", "path": "secret/data/a"}),
    Step("POST", "sys/capabilities", {"token": "wrong", "path": "secret/data/a"}),
    Step("POST", "sys/capabilities", {"token": "{child}"}),
    Step("POST", "sys/capabilities-self", {"paths": "secret/data/a"}, token="{child}"),
    Step("POST", "sys/capabilities-self", {"paths": ["secret/data/a", "none"]}),
    Step("POST", "sys/capabilities-accessor", {"accessor": "{accessor}", "paths": ["secret/data/a"]}),
    Step("POST", "sys/capabilities-accessor", {"accessor": "wrong", "paths": ["secret/data/a"]}),
    Step("GET", "sys/internal/ui/mounts", token="{child}"),
    Step("GET", "sys/internal/ui/mounts/secret/data/a", token="{child}"),
    Step("GET", "sys/internal/ui/mounts/cubbyhole", token="{child}"),
    Step("GET", "sys/internal/ui/mounts/none", token="{child}"),
    Step("POST", "secret/data/a", {"data": {}}, token="{child}"),
    Step("GET", "secret/data/absent", token="{child}"),
    Step("LIST", "secret/metadata", token="{child}"),
)
