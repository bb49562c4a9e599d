"""Exit codes: 0 ok · 1 found · 2 usage · 3 login · 4 not reachable or sealed · 5 denied · 128 unexpected."""

from strongroom.errors import (
    InvalidCredentials,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Sealed,
    StrongroomError,
    UpstreamFailed,
)

EXIT_CODES: dict[type[BaseException], int] = {
    InvalidRequest: 2,
    NotFound: 2,
    InvalidCredentials: 3,
    UpstreamFailed: 4,
    Sealed: 4,
    PermissionDenied: 5,
}
UNEXPECTED = 128


def exit_code(error: BaseException) -> int:
    """The code of the nearest class in the table; 128 when none is."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), UNEXPECTED)


def message(error: BaseException) -> str:
    """What people are told; an unexpected error's text may hold anything, so only its name is shown."""
    if isinstance(error, StrongroomError):
        return str(error)
    return f"unexpected {type(error).__name__}; STRONGROOM_DEBUG=1 shows where it comes from"
