"""The `token_*` settings that every auth method's roles and users share.

Source: Vault's API, "token fields". Methods put TokenFields into their request
structs and keep TokenSettings with their records.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from strongroom.errors import InvalidRequest, PermissionDenied
from strongroom.framework.policy_names import assignable_names
from strongroom.framework.response import Auth
from strongroom.framework.wire import Cidrs, CommaList, Fields, Seconds

TYPES = frozenset({"default", "service", "batch", "default-service"})
LEGACY = {
    "policies": "token_policies",
    "ttl": "token_ttl",
    "max_ttl": "token_max_ttl",
    "period": "token_period",
    "bound_cidrs": "token_bound_cidrs",
}


class TokenFields(Fields, frozen=True, kw_only=True):
    """What a write may say of the tokens to come; absent members stay as they are."""

    token_policies: CommaList | UnsetType | None = UNSET
    token_ttl: Seconds | UnsetType | None = UNSET
    token_max_ttl: Seconds | UnsetType | None = UNSET
    token_explicit_max_ttl: Seconds | UnsetType | None = UNSET
    token_period: Seconds | UnsetType | None = UNSET
    token_num_uses: int | UnsetType | None = UNSET
    token_bound_cidrs: Cidrs | UnsetType | None = UNSET
    token_strictly_bind_ip: bool | UnsetType | None = UNSET
    token_no_default_policy: bool | UnsetType | None = UNSET
    token_type: str | UnsetType | None = UNSET
    policies: CommaList | UnsetType | None = UNSET
    ttl: Seconds | UnsetType | None = UNSET
    max_ttl: Seconds | UnsetType | None = UNSET
    period: Seconds | UnsetType | None = UNSET
    bound_cidrs: Cidrs | UnsetType | None = UNSET


class TokenSettings(Struct, frozen=True):
    """How a role's or user's tokens are made; times in seconds, 0 for the mount's.

    `legacy` names the settings that were last given by their old names: a read shows both.
    """

    token_policies: tuple[str, ...] = ()
    token_ttl: int = 0
    token_max_ttl: int = 0
    token_explicit_max_ttl: int = 0
    token_period: int = 0
    token_num_uses: int = 0
    token_bound_cidrs: tuple[str, ...] = ()
    token_strictly_bind_ip: bool = False
    token_no_default_policy: bool = False
    token_type: str = "default"
    legacy: tuple[str, ...] = ()


_DEFAULTS = TokenSettings()
_NAMES = tuple(name for name in TokenSettings.__struct_fields__ if name != "legacy")


def updated(settings: TokenSettings, fields: TokenFields) -> TokenSettings:
    """The settings with what the request gives; null stands for the default.

    Raises InvalidRequest, naming the field, for what cannot be together.
    """
    changes: dict[str, Any] = {}
    legacy = set(settings.legacy)
    for old, name in LEGACY.items():
        value = getattr(fields, old, UNSET)
        if value is not UNSET:
            changes[name] = value
            legacy.add(old)
    for name in _NAMES:
        value = getattr(fields, name)
        if value is not UNSET:
            changes[name] = value
            legacy -= {old for old, new in LEGACY.items() if new == name and changes.get(old, UNSET) is UNSET}
    for name, value in changes.items():
        if value is None:
            changes[name] = getattr(_DEFAULTS, name)
    return checked(replace(settings, **changes, legacy=tuple(sorted(legacy))))


def checked(settings: TokenSettings) -> TokenSettings:
    """Canonical policies and addresses; raises InvalidRequest for contradictions."""
    kind = settings.token_type.replace("_", "-") or "default"
    kind = "batch" if kind == "default-batch" else kind
    if kind not in TYPES:
        raise InvalidRequest("invalid 'token_type' value: default, service or batch")
    if settings.token_num_uses < 0:
        raise InvalidRequest("'token_num_uses' cannot be negative")
    if settings.token_max_ttl and settings.token_ttl > settings.token_max_ttl:
        raise InvalidRequest("'token_ttl' cannot be greater than 'token_max_ttl'")
    if kind == "batch" and (settings.token_period or settings.token_num_uses):
        what = "periodic tokens" if settings.token_period else "tokens with limited use count"
        raise InvalidRequest(f"'token_type' cannot be 'batch' or 'default_batch' when set to generate {what}")
    return replace(
        settings,
        token_policies=assignable_names(settings.token_policies),
        token_bound_cidrs=tuple(map(_host, checked_cidrs("token_bound_cidrs", settings.token_bound_cidrs))),
        token_type=kind,
    )


def shown(settings: TokenSettings) -> dict[str, Any]:
    """The settings as a read answers them."""
    facts = {name: getattr(settings, name) for name in _NAMES}
    return facts | {old: facts[LEGACY[old]] for old in settings.legacy}


def issue(settings: TokenSettings, remote: str, **facts: Any) -> Auth:
    """The token that a login by these settings gets. Raises PermissionDenied from a wrong address."""
    check_address(remote, settings.token_bound_cidrs)
    auth = Auth(policies=settings.token_policies, **facts)
    auth.num_uses = settings.token_num_uses
    auth.token_type = settings.token_type
    auth.no_default_policy = settings.token_no_default_policy
    auth.bound_cidrs = (remote,) if settings.token_strictly_bind_ip else settings.token_bound_cidrs
    return with_times(auth, settings)


def with_times(auth: Auth, settings: TokenSettings) -> Auth:
    """Set a token's times anew, at login and at each renewal."""
    auth.ttl = settings.token_ttl
    auth.max_ttl = settings.token_max_ttl
    auth.explicit_max_ttl = settings.token_explicit_max_ttl
    auth.period = settings.token_period
    return auth


def check_renewal(auth: Auth, settings: TokenSettings) -> Auth:
    """Refuse to renew a token whose policies are not what its role or user now has."""
    if set(auth.policies) - {"default"} != set(settings.token_policies) - {"default"}:
        raise InvalidRequest("policies have changed, not renewing")
    return with_times(auth, settings)


def checked_cidrs(field: str, cidrs: Iterable[str]) -> tuple[str, ...]:
    """Addresses and networks in canonical form; raises InvalidRequest naming the field."""
    try:
        networks = [ip_network(cidr, strict=False) for cidr in cidrs]
    except ValueError:
        raise InvalidRequest(
            f"field '{field}': addresses such as 10.1.2.3 or 10.0.0.0/8 are expected"
        ) from None
    return tuple(dict.fromkeys(str(network) for network in networks))


def _host(cidr: str) -> str:
    """A network of one address as that address, the form Vault keeps for tokens."""
    network = ip_network(cidr)
    return str(network.network_address) if network.num_addresses == 1 else cidr


def check_address(remote: str, cidrs: Iterable[str]) -> None:
    """Raise PermissionDenied unless `remote` lies in one of `cidrs`; none means any address."""
    networks = [ip_network(cidr) for cidr in cidrs]
    if not networks:
        return
    try:
        address = ip_address(remote)
    except ValueError:
        raise PermissionDenied("permission denied") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if not any((mapped or address) in network for network in networks):
        raise PermissionDenied("permission denied")
