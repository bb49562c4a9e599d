"""The `[[seal]]` tables: which keys each kind needs and may have."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from strongroom.server.problems import StartFailed

GUIDE = "See docs/seal.md, Auto-unseal."
_ALWAYS = frozenset({"kind", "name", "disabled"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ADDRESSES = ("address", "endpoint", "vault_url", "authority")


class SealSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[seal]]`: who holds the key that opens the store; which keys belong to which kind: docs/seal.md."""

    kind: Literal["shamir", "keyfile", "pkcs11", "transit", "awskms", "gcpckms", "azurekeyvault"] = "shamir"
    name: str = ""
    disabled: bool = False
    key_file: str = ""
    library: str = ""
    token: str = ""
    key_label: str = ""
    pin_file: str = ""
    pin_stdin: bool = False
    address: str = ""
    key_name: str = ""
    mount_path: str = ""
    namespace: str = ""
    token_file: str = ""
    tls_ca: str = ""
    key_id: str = ""
    region: str = ""
    endpoint: str = ""
    project: str = ""
    location: str = ""
    key_ring: str = ""
    crypto_key: str = ""
    credentials_file: str = ""
    vault_url: str = ""
    tenant_id: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    authority: str = ""


_KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "shamir": (frozenset(), frozenset()),
    "keyfile": (frozenset({"key_file"}), frozenset()),
    "pkcs11": (frozenset({"library", "token", "key_label"}), frozenset({"pin_file", "pin_stdin"})),
    "transit": (
        frozenset({"address", "key_name"}),
        frozenset({"mount_path", "namespace", "token_file", "tls_ca"}),
    ),
    "awskms": (frozenset({"key_id"}), frozenset({"region", "endpoint"})),
    "gcpckms": (
        frozenset({"project", "location", "key_ring", "crypto_key"}),
        frozenset({"credentials_file", "endpoint"}),
    ),
    "azurekeyvault": (
        frozenset({"vault_url", "key_name"}),
        frozenset({"tenant_id", "client_id", "client_secret_file", "authority"}),
    ),
}
"""What each kind needs, and what it may have."""


def checked(tables: Sequence[SealSettings]) -> list[SealSettings]:
    """The tables of key services, each with its name. Raises StartFailed for tables that cannot be."""
    for table in tables:
        _check(table)
    services = [table for table in tables if table.kind != "shamir"]
    if services and len(services) != len(tables):
        raise StartFailed(
            "a shamir seal is not one of several", "Its key shares open the store alone.", GUIDE
        )
    names = [name_of(table) for table in services]
    for name in names:
        if names.count(name) > 1:
            raise StartFailed(
                f"two seals are named {name}", "The name is the kind where none is set.", "Name one of them."
            )
    return services


def name_of(table: SealSettings) -> str:
    """What the seal is called."""
    return table.name or table.kind


def _check(table: SealSettings) -> None:
    kind = table.kind
    needed, allowed = _KEYS[kind]
    given = {key for key in table.__struct_fields__ if key not in _ALWAYS and getattr(table, key)}
    missing, foreign = sorted(needed - given), sorted(given - needed - allowed)
    if missing:
        raise StartFailed(f"the {kind} seal lacks {missing[0]}", "[[seal]] does not set it.", GUIDE)
    if foreign:
        raise StartFailed(f"{foreign[0]} is no key of the {kind} seal", "It would have no effect.", GUIDE)
    for key in _ADDRESSES:
        _check_address(kind, key, getattr(table, key))


def _check_address(kind: str, key: str, address: str) -> None:
    if not address:
        return
    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query or url.fragment:
        raise StartFailed(f"{key} of the {kind} seal is no address", "It is https://HOST, or :PORT.", GUIDE)
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        raise StartFailed(
            f"{key} of the {kind} seal is plain HTTP",
            "Whoever is on the way could read what opens the store.",
            "Use https.",
        )
