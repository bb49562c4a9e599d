"""What is stored of a token. Its text is not: entries are found by a keyed hash."""

from typing import Any

from msgspec import Struct

from strongroom.framework import Caller


class TokenEntry(Struct, kw_only=True):
    """A token. Times in seconds; `expires` 0 never; `num_uses` 0 unlimited, -1 spent.

    `path` is where it was issued (`auth/token/create`, `auth/userpass/login/ann`).
    `internal` is the auth method's, for renewal; `mount` the accessor of that method.
    `namespace` is the uuid of its namespace, empty for the root.
    """

    id: str
    accessor: str
    policies: tuple[str, ...]
    path: str
    display_name: str
    created: float
    parent: str = ""
    metadata: dict[str, str] = {}
    num_uses: int = 0
    ttl: int = 0
    expires: float = 0
    explicit_max_ttl: int = 0
    period: int = 0
    renewable: bool = True
    token_type: str = "service"
    bound_cidrs: tuple[str, ...] = ()
    role: str = ""
    entity_id: str = ""
    last_renewal: float = 0
    mount: str = ""
    max_ttl: int = 0
    internal: dict[str, Any] = {}
    lease: str = ""
    fingerprint: str = ""
    namespace: str = ""

    @property
    def orphan(self) -> bool:
        """Whether no other token's end is this one's."""
        return not self.parent

    @property
    def root(self) -> bool:
        """Whether policies do not bind it: never so in a namespace."""
        return "root" in self.policies and not self.namespace

    def caller(self) -> Caller:
        """The side of it that handlers see."""
        return Caller(
            id=self.id,
            accessor=self.accessor,
            policies=self.policies,
            display_name=self.display_name,
            entity_id=self.entity_id,
            metadata=self.metadata,
            path=self.path,
            root=self.root,
            namespace=self.namespace,
        )

    def remaining(self, now: float) -> int:
        """Seconds left; 0 when it never expires."""
        return max(int(self.expires - now), 0) if self.expires else 0
