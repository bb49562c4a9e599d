"""What the members of request structs mean, by wire name: Vault's words mean the same everywhere.

A struct whose member means something else says so itself, with `Meta(description=…)`.
"""

from collections.abc import Mapping

from msgspec import inspect

from strongroom.framework.wire import Fields

_PAGES = {
    "after": "List what comes after this name.",
    "limit": "How many to answer at most; 0 for all.",
}
_TOKENS = {
    "accessor": "The accessor of the token meant.",
    "allowed_entity_aliases": "Entity aliases that tokens of this role may carry.",
    "allowed_policies": "Policies that tokens of this role may have; empty for those of the caller.",
    "allowed_policies_glob": "Policies that tokens of this role may have, with * for any text.",
    "bound_cidrs": "Older name of token_bound_cidrs.",
    "disallowed_policies": "Policies that tokens of this role never have.",
    "disallowed_policies_glob": "Policies that tokens of this role never have, with * for any text.",
    "display_name": "A name for the token, shown at look-ups and in the audit log.",
    "entity_alias": "Entity alias to tie the token to; only with a role that allows it.",
    "explicit_max_ttl": "The token ends after this time, whatever is renewed.",
    "increment": "By how much to extend, counted from now; 0 for the usual time.",
    "lease": "Older name of ttl.",
    "meta": "Pairs of text kept with the token, shown at look-ups and in the audit log.",
    "no_default_policy": "Leave the policy `default` out.",
    "no_parent": "Make an orphan, which outlives the caller's token; needs sudo.",
    "num_uses": "How often it can be used; 0 for any number.",
    "orphan": "Tokens of this role have no parent.",
    "path_suffix": "Put at the end of the path that tokens of this role are created at.",
    "period": "Each renewal gives this time again, without end.",
    "policies": "Names of policies.",
    "renewable": "Whether the life can be extended.",
    "role_name": "The role's name.",
    "token": "The token meant, or the wrapping token; often the request's own when absent.",
    "token_bound_cidrs": "Addresses and networks that the tokens can be used from; none for any.",
    "token_explicit_max_ttl": "The tokens end after this time, whatever is renewed.",
    "token_max_ttl": "How long renewals can make the tokens live; 0 for the mount's limit.",
    "token_no_default_policy": "Leave the policy `default` out of the tokens.",
    "token_num_uses": "How often each token can be used; 0 for any number.",
    "token_period": "Each renewal of a token gives this time again, without end.",
    "token_policies": "Policies of the tokens.",
    "token_strictly_bind_ip": "Each token works only from the address that logged in.",
    "token_ttl": "How long the tokens live at first; 0 for the mount's time.",
    "token_type": "service, batch, or default for the mount's.",
}
_LOGINS = {
    "bind_secret_id": "Whether a login needs a secret id; on unless said otherwise.",
    "bound_cidr_list": "Older name of secret_id_bound_cidrs.",
    "cidr_list": "Addresses and networks that this secret id can be used from, inside the role's.",
    "local_secret_ids": "Keep secret ids on one cluster; fixed when the role is made.",
    "metadata": "Pairs of text that tokens made with it carry: JSON text, or an object.",
    "password": "The password.",
    "password_hash": "The password as a bcrypt hash, made elsewhere; instead of password.",
    "role_id": "The role's id, which names it at logins.",
    "secret_id": "The secret id.",
    "secret_id_accessor": "The accessor of the secret id.",
    "secret_id_bound_cidrs": "Addresses and networks that logins may come from; none for any.",
    "secret_id_num_uses": "How often each secret id can log in; 0 for any number.",
    "secret_id_ttl": "How long secret ids live; 0 for ever.",
    "username": "The user's name.",
}
_MOUNTS = {
    "allowed_response_headers": "Headers that the engine may answer with.",
    "audit_non_hmac_request_keys": "Request members that the audit log shows as they are.",
    "audit_non_hmac_response_keys": "Response members that the audit log shows as they are.",
    "config": "Settings as tune takes them.",
    "default_lease_ttl": "How long leases and tokens live where nothing else is said.",
    "description": "A text for people.",
    "external_entropy_access": "Taken for compatibility; no effect.",
    "force_no_cache": "Taken for compatibility; no effect.",
    "from": "Present path.",
    "listing_visibility": "`unauth` shows the mount to callers without a token; `hidden` does not.",
    "local": "Taken for compatibility; no effect.",
    "max_lease_ttl": "No lease or token of this mount lives longer.",
    "migration_id": "The id that the move answered.",
    "options": "Options by name; those of an engine (kv: version) or of a device.",
    "passthrough_request_headers": "Request headers that the engine may see.",
    "plugin_name": "The kind of engine; instead of type.",
    "seal_wrap": "Taken for compatibility; everything is encrypted anyway.",
    "to": "New path.",
    "user_lockout_config": "lockout_threshold, lockout_duration, lockout_counter_reset, lockout_disable.",
}
_VERSIONS = {
    "cas_required": "Whether writes must name the version they replace.",
    "custom_metadata": "Pairs of text kept with the secret; null removes all.",
    "data": "The secret's members.",
    "delete_version_after": "Versions are deleted this long after they were written; 0s for never.",
    "depth": "How many levels to show; 0 for all.",
    "label": "The label of the version, instead of its number.",
    "max_versions": "How many versions are kept; 0 for the mount's number, and 10 there.",
    "metadata_cas": "The version of the metadata that this write replaces.",
    "metadata_cas_required": "Whether writes of metadata must name the version they replace.",
    "version": "The version's number; 0 for the newest.",
    "versions": "Numbers of versions.",
}
_OPERATION = {
    "backup": "Keep the encrypted shares in the store until they are fetched and deleted.",
    "key": "A key share, in hex or base64.",
    "migrate": "Taken for compatibility; there is no seal to migrate from.",
    "nonce": "Which attempt the share is for.",
    "otp": "A one-time password as long as a token; one is made when absent.",
    "pgp_key": "OpenPGP public key that the token is encrypted to: base64 of it, or armored text.",
    "pgp_keys": "OpenPGP public keys, one a share, that the shares are encrypted to: base64 or armored text.",
    "recovery_shares": "How many recovery keys are made, for a seal that opens itself.",
    "recovery_threshold": "How many recovery keys are needed together.",
    "recovery_pgp_keys": "OpenPGP public keys, one a recovery key, that these are encrypted to.",
    "require_verification": "The new shares take over only when enough of them were handed in.",
    "reset": "Forget the shares handed in so far.",
    "root_token_pgp_key": "OpenPGP public key that the root token is encrypted to.",
    "secret_shares": "How many key shares to make, 1 to 255.",
    "secret_threshold": "How many key shares open the seal.",
    "stored_shares": "Taken for compatibility; no share is ever stored.",
}
_SYSTEM = {
    "activecode": "Status to answer when the server can take requests.",
    "algorithm": "sha2-224, sha2-256, sha2-384, sha2-512, or sha3- of the same sizes.",
    "allowed_headers": "Headers that scripts may send besides the usual.",
    "allowed_origins": "Origins whose scripts may ask; * for any.",
    "bytes": "How many bytes.",
    "enable": "Whether it is on.",
    "first": "Taken for compatibility: a path segment `platform` or `seal`, or the number of bytes.",
    "format": "How the answer is written.",
    "id": "The id.",
    "include_child_namespaces": "Taken for compatibility; there are no namespaces yet.",
    "input": "What to hash.",
    "kind": "Only those of this kind.",
    "lease_id": "The lease's id.",
    "length": "How many bytes at most.",
    "name": "The name.",
    "offset": "From which byte on.",
    "old": "An older signed checkpoint, as text.",
    "path": "The path.",
    "paths": "The paths asked about.",
    "policy": "The policy's text.",
    "prefix": "How the paths begin.",
    "rules": "Older name of policy.",
    "sealedcode": "Status to answer when the server is sealed.",
    "seq": "The entry's sequence, from 0.",
    "source": "Where randomness comes from: platform, seal or all.",
    "standbycode": "Taken for compatibility; there are no standby nodes yet.",
    "standbyok": "Taken for compatibility; there are no standby nodes yet.",
    "start": "The first sequence.",
    "state": "Only those in this state.",
    "sync": "Wait until the credentials are revoked.",
    "ttl": "How long it lives; 0 for the usual time.",
    "type": "The kind.",
    "uninitcode": "Status to answer when the server is not initialised.",
    "url_lease_id": "The lease's id, in the path.",
    "urlalgorithm": "The algorithm, in the path.",
    "urlbytes": "How many bytes, in the path.",
}
_DATABASES = {
    "allowed_roles": "Roles that may use this connection; * for any.",
    "connection_url": "Where the database is.",
    "creation_statements": "SQL that creates an account.",
    "credential_config": "How credentials are made.",
    "credential_type": "password.",
    "db_name": "The connection it uses.",
    "default_ttl": "How long credentials live; 0 for the mount's time.",
    "max_connection_lifetime": "Connections are closed after this time.",
    "max_idle_connections": "How many unused connections are kept.",
    "max_open_connections": "How many connections there are at most.",
    "max_ttl": "How long renewals can make it live; 0 for the mount's limit.",
    "password_authentication": "How the database is told a password.",
    "password_policy": "The policy that passwords are made by.",
    "renew_statements": "SQL that extends an account.",
    "revocation_statements": "SQL that ends an account.",
    "rollback_statements": "SQL that cleans up after a failed creation.",
    "root_rotation_statements": "SQL that changes the connection's own password.",
    "rotation_period": "How often the password changes.",
    "rotation_schedule": "When the password changes, as cron's five fields.",
    "rotation_statements": "SQL that changes the password.",
    "rotation_window": "How long after the scheduled time it may still change.",
    "tls_ca": "Certificates to trust, in PEM.",
    "username_template": "How account names are made.",
    "verify_connection": "Whether to try the connection before it is kept.",
}
MEANINGS: Mapping[str, str] = {
    **_PAGES, **_TOKENS, **_LOGINS, **_MOUNTS, **_VERSIONS, **_OPERATION, **_SYSTEM, **_DATABASES,
}  # fmt: skip


def meaning(struct: type[Fields], name: str) -> str:
    """What a member means: what its struct says of it, else what the word means everywhere."""
    for member in inspect.type_info(struct).fields:  # type: ignore[attr-defined]  # a StructType
        if member.encode_name == name and (own := _own(member.type)):
            return own
    return MEANINGS.get(name, "")


def _own(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.UnionType):
        return next(filter(None, map(_own, kind.types)), "")
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", "")) or _own(kind.type)
    return ""
