"""The one error tree.

StrongroomError
├── InvalidRequest            400  the caller sent something that cannot be
│   ├── CasMismatch                check-and-set named another version
│   └── InvalidCredentials         a login failed; says nothing about which part
├── PermissionDenied          403
├── NotFound                  404
├── UnsupportedOperation      405
├── PreconditionFailed        412
├── TooLarge                  413  body, header or value over its limit
├── RateLimited               429  carries when to try again
├── UpstreamFailed            502  a system we depend on answered badly
├── Sealed                    503
├── Unavailable               503  the store cannot be reached, or does not say whether it wrote
├── NotInitialized            501
├── AuditFailed               500  the log took no entry, so there is no answer
└── IntegrityFailure          500  what storage holds does not authenticate

Messages name things (path, mount, role, accessor) and never a secret.
"""


class StrongroomError(Exception):
    """Base of every error the product raises on purpose."""


class InvalidRequest(StrongroomError):
    """The request cannot be carried out as sent."""


class CasMismatch(InvalidRequest):
    """Check-and-set named a version that is not the current one."""


class InvalidCredentials(InvalidRequest):
    """A login failed; the message is the same whichever part was wrong."""


class PermissionDenied(StrongroomError):
    """The caller's policies do not allow this, or the token is not valid."""


class NotFound(StrongroomError):
    """Nothing is stored there.

    `data` and `warnings` go into the body where Vault sends one with its 404:
    a deleted version's metadata, or advice that `/data/` is missing.
    """

    def __init__(
        self,
        message: str = "",
        *,
        data: dict[str, object] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.data = data
        self.warnings = warnings


class UnsupportedOperation(StrongroomError):
    """The path exists, but not for this operation."""


class PreconditionFailed(StrongroomError):
    """The server is behind what the caller has already seen."""


class TooLarge(StrongroomError):
    """A body, header or value is over its limit."""


class RateLimited(StrongroomError):
    """Too many requests; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamFailed(StrongroomError):
    """A system we depend on (database, identity provider, KMS) failed."""


class Sealed(StrongroomError):
    """The barrier is closed; only status and unseal answer."""


class Unavailable(StrongroomError):
    """The store cannot be reached; a write that was under way may have happened or not."""


class NotInitialized(StrongroomError):
    """There is no barrier yet; only `sys/init` answers."""


class AuditFailed(StrongroomError):
    """The audit log could not take the entry, so the request is refused."""


class IntegrityFailure(StrongroomError):
    """Stored bytes do not authenticate: changed, swapped or under an unknown key."""
