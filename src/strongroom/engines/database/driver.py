"""The seam for database systems: one module below `kinds/` each, which provides a Kind.

A new system is a module with a `KIND` and one entry in `kinds/__init__.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from strongroom.engines.database.pool import Limits
from strongroom.engines.database.statements import Dialect
from strongroom.errors import UpstreamFailed

Statements = Sequence[str]
STATEMENT_SECONDS = 30
CONNECT_SECONDS = 5


class AccountExists(UpstreamFailed):
    """The name is taken: the account belongs to someone else."""


class Settings(Struct, frozen=True, kw_only=True):
    """How to reach a database, and as whom. `scram` has passwords hashed before they are sent."""

    url: str
    username: str = ""
    password: str = ""
    limits: tuple[int, int, int] = (4, 4, 0)
    scram: bool = False
    tls_ca: str = ""
    fallback_password: str = ""

    @property
    def pool_limits(self) -> Limits:
        """For the pool."""
        return Limits(*self.limits)


@dataclass(frozen=True, slots=True)
class Account:
    """An account to be made or changed; `expires` in seconds since the epoch, 0 for never."""

    username: str
    password: str = ""
    expires: float = 0

    def values(self) -> dict[str, str]:
        """What statements may name."""
        moment = datetime.fromtimestamp(self.expires, UTC)
        return {
            "name": self.username,
            "username": self.username,
            "password": self.password,
            "expiration": f"{moment:%Y-%m-%d %H:%M:%S}+0000",
        }


class Database(Protocol):
    """A database, through a pool of connections that opens on first use.

    Every method raises UpstreamFailed when the database cannot be reached or refuses;
    InvalidRequest when a value cannot be placed in the statements. Empty statements stand
    for the kind's own way. All but `create` may be repeated.
    """

    async def verify(self) -> None:
        """Connect and ask for nothing."""
        ...

    async def create(self, statements: Statements, account: Account, rollback: Statements) -> None:
        """Make an account, all or nothing. Raises AccountExists when it was there."""
        ...

    async def renew(self, statements: Statements, account: Account) -> None:
        """Let an account live until its new expiry."""
        ...

    async def revoke(self, statements: Statements, username: str) -> None:
        """End an account and its sessions; one that is not there is no error."""
        ...

    async def change_password(self, statements: Statements, account: Account) -> None:
        """Give an account its password."""
        ...

    async def knows(self, username: str) -> bool:
        """Whether there is such an account, as far as we may look."""
        ...

    async def admit(self, account: Account) -> None:
        """Let an account that is there log in, with this password."""
        ...

    async def shut_out(self, username: str) -> None:
        """Let an account log in no more and end its sessions; what it owns stays. One may be gone."""
        ...

    async def logs_in(self, username: str, password: str) -> bool:
        """Whether a login as `username` succeeds, on a connection of its own."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A database system: how its names are made, how it is read, how it is opened.

    `check_url` raises InvalidRequest for what must not be in a connection URL, `shown_url` hides a
    password in one. `takes_tls_ca`
    says whether certificates to trust may be given; where not, giving them is refused.
    """

    dialect: Dialect
    username_template: str
    longest_name: int
    open: Callable[[Settings], Database]
    check_url: Callable[[str], object]
    shown_url: Callable[[str], str]
    takes_tls_ca: bool = False
