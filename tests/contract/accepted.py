"""Where our answers differ from OpenBao's on purpose, and why."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """A difference that may stay: `step` and `difference` are searched for as patterns."""

    step: str
    difference: str
    reason: str

    def covers(self, step: str, difference: str) -> bool:
        return bool(re.search(self.step, step) and re.search(self.difference, difference))


EVERYWHERE = (
    Accepted("", r"^\+\.mount_type$", "Vault names the kind of mount in each answer; OpenBao does not"),
    Accepted("", r"^\+.*\.(created_by|reason)$", "a version records who wrote it and why"),
    Accepted("", r"running_plugin_version", "there are no plugins"),
    Accepted("", r"cluster_name|\.version ", "the product's own name and version"),
    Accepted(
        "",
        r"\.(cubbyhole|sys|token)/?\.(accessor|uuid)|\.(accessor|uuid) '(cubbyhole|sys|token)",
        "the system's mounts have fixed ids",
    ),
    Accepted("", r"identity/", "identity has no mount of its own yet"),
    Accepted("", r"cubbyhole/?\.local|data\.local", "nothing is replicated, so nothing is local"),
    Accepted(
        "",
        r"sys/\.(config\.passthrough_request_headers|seal_wrap)",
        "no seal wraps twice; headers pass by list",
    ),
    Accepted(
        "", r"\.description '', theirs 'key/value", "development mode leaves its mount without description"
    ),
)

_STRICT_PATH = "a path that is not canonical is refused, never repaired (one path for policy and router)"
_ENTITY = "identity is not there yet: tokens carry no entity"
_FAULT = "the caller's mistake is 400, not a fault of the server"
_OPEN_CEREMONY = "ceremonies answer with a token; OpenBao has these older paths switched off"

ACCEPTED: dict[str, tuple[Accepted, ...]] = {
    "kv1": (),
    "kv2": (
        Accepted("PATCH", "errors", "a patch of nothing has an error body as every 404"),
        Accepted("SCAN", "keys", "a scan is in the order of paths, not level by level"),
    ),
    "cubbyhole": (Accepted("POST cubbyhole/e", "status 400", _FAULT),),
    "tokens": (
        Accepted("renew", "lease_duration", "a renewal without increment asks for the life first given"),
        Accepted("create", r"\.1 'two', theirs 'default, two'", "policies may come as text with commas"),
        Accepted("lookup-self", r"\.1 'two', theirs 'default, two'", "policies may come as text with commas"),
        Accepted("create", "SHA1", "a chosen id is hashed like any other"),
        Accepted("create", "unrecognized parameters", "unknown members are ignored in silence"),
        Accepted("create", r"9000000h|^\+\.|status 200", "a long duration is capped, not overflowed"),
        Accepted("lookup-self", "num_uses 0, theirs -1", "a token on its last use has no uses left"),
        Accepted("roles/r", "token_bound_cidrs|token_num_uses", "empty settings are shown"),
        Accepted("roles/r", "period 7200", "the older name shows the same period"),
        Accepted("lookup", "data.period|data.bound_cidrs", "what a role sets is shown on its tokens"),
    ),
    "wrapping": (
        Accepted("", "request_id", "a wrapped answer can be found in the audit log by its request id"),
        Accepted(
            "PUT sys/wrapping/unwrap", "", "the wrapping token is the right to unwrap, in body or header"
        ),
        Accepted("sys/mounts", "", "the list of mounts is compared elsewhere"),
    ),
    "leases": (Accepted("POST sys/(renew|revoke)", "", "older paths that some clients still call"),),
    "capabilities": (),
    "userpass": (
        Accepted("GET sys/auth/userpass", "options None", "no options are null here as in the listing"),
        Accepted("", "entity_id", _ENTITY),
        Accepted("login/ann|none/password", "status 400, theirs 500", _FAULT),
        Accepted(
            "GET auth/userpass/login",
            "status 403, theirs 405",
            "without a token nothing is told about a path",
        ),
    ),
    "approle": (
        Accepted("", "entity_id", _ENTITY),
        Accepted("", "status 40[04], theirs 500", _FAULT),
        Accepted("LIST auth/approle/role/none", "status 404", "an unknown role is 404 on every path"),
        Accepted("accessor/lookup", r"^[+-]\.", "an unknown accessor has an error body"),
        Accepted("role/app/secret-id$", "request_id", "a wrapped answer can be found in the audit log"),
        Accepted(
            "role/app/secret-id$",
            "wrapped_accessor",
            "only a token's accessor is shown from inside a wrapping",
        ),
        Accepted("sys/wrapping/unwrap", "", "the wrapping token is the right to unwrap, in body or header"),
        Accepted("GET auth/approle/role/app/bind-secret-id", "", "Vault's path; OpenBao dropped it"),
    ),
    "mounts": (
        Accepted("", r"^\+.*\.inventory/$", "the inventory is ours"),
        Accepted("", r"^\+.*\.rotation/$", "rotation is ours"),
        Accepted("", r"^\+.*\.(findings|incidents)/$", "findings and incidents are ours"),
        Accepted("", r"options\.version|\.options$|options None", "the version of a mount is always named"),
        Accepted(
            "kv1/tune", "default_lease_ttl 7200", "no lease outlives the mount's maximum, so it is shown"
        ),
        Accepted("sys/remount", "has been queued", "a move is done when it is answered"),
    ),
    "policies": (
        Accepted(
            "",
            "allow_slashes|allow_wildcards|cas_required|modified|version",
            "fields that Vault does not have",
        ),
    ),
    "status": (
        Accepted(
            "sys/health",
            r"\.(enterprise|performance_standby|clock_skew_ms)$",
            "Vault's fields; OpenBao dropped them",
        ),
        Accepted("sys/health.*=x", "errors", "the message names the parameter"),
        Accepted(
            "sys/seal-status", "build_date|commit_date|storage_type", "Vault's field; the store's own name"
        ),
        Accepted("sys/leader", r"^\+", "Vault's fields; OpenBao leaves out what is empty"),
        Accepted("sys/key-status", "encryptions", "we encrypt less for the same requests"),
        Accepted("sys/(rekey|generate-root)/", "", _OPEN_CEREMONY),
        Accepted(
            "sys/generate-root-token", r"^\+|otp_length", "both spellings answer alike; our tokens are longer"
        ),
        Accepted("sys/audit/x", "status 403", "the configuration forbids it"),
        Accepted(
            "sys/config/cors",
            "allow_credentials|allowed_headers",
            "the usual headers are always allowed, not listed",
        ),
        Accepted("sys/config/cors", "status 400", _FAULT),
        Accepted("sys/tools/random", "random_bytes", "random bytes differ"),
        Accepted("sys/version-history", "key", "the product's own versions"),
        Accepted("sys/host-info", "", "what the standard library knows of the host"),
        Accepted("sys/plugins/catalog", "", "the product's own kinds"),
    ),
    "odd": (
        Accepted("sys/|OPTIONS|TRACE", "errors", "a 405 says why"),
        Accepted(r"%|\.\.|//", "", _STRICT_PATH),
        Accepted("secret/data/odd", "status 400", "JSON is UTF-8 and nested at most 100 levels"),
        Accepted("secret/data/odd", r"^[+-]|version", "what is refused makes no version"),
        Accepted("TRACE", "", "no such method"),
        Accepted("cubbyhole", "", _FAULT),
        Accepted("GET sys$", "", "no redirect"),
        Accepted("LIST sys/", "status 405", "a path that is there but has no list"),
    ),
}
