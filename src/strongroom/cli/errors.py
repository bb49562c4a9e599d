"""What went wrong, in three lines (what, why, what to do next), and the exit code.

0 ok · 1 negative answer · 2 usage · 3 login · 4 not reachable or sealed · 5 denied · 128 unexpected.
"""

from strongroom.errors import (
    InvalidCredentials,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Sealed,
    StrongroomError,
    UpstreamFailed,
)

OK, NEGATIVE, USAGE, LOGIN, UNREACHABLE, DENIED, UNEXPECTED = 0, 1, 2, 3, 4, 5, 128

EXIT_CODES: dict[type[BaseException], int] = {
    InvalidRequest: USAGE,
    NotFound: USAGE,
    InvalidCredentials: LOGIN,
    UpstreamFailed: UNREACHABLE,
    Sealed: UNREACHABLE,
    PermissionDenied: DENIED,
}


class Failure(StrongroomError):
    """A command's own error: `code` is the exit code, `next_step` what to try."""

    def __init__(self, code: int, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__("\n".join(line for line in (what, why, next_step) if line))
        self.code = code
        self.what = what
        self.why = why
        self.next_step = next_step


def exit_code(error: BaseException) -> int:
    """A failure's own code, else that of the nearest class in the table; 128 when none is."""
    if isinstance(error, Failure):
        return error.code
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), UNEXPECTED)


def message(error: BaseException) -> str:
    """What people are told; an unexpected error's text may hold anything, so only its name is shown."""
    if isinstance(error, StrongroomError):
        return "\n  ".join(str(error).splitlines())
    return f"unexpected {type(error).__name__}; STRONGROOM_DEBUG=1 shows where it comes from"


def near(word: str, known: "list[str] | tuple[str, ...]", otherwise: str = "") -> str:
    """`Did you mean …?` for a near miss."""
    from difflib import get_close_matches  # noqa: PLC0415 (for a mistake only)

    found = get_close_matches(word, known, 1)
    return f"Did you mean `{found[0]}`?" if found else otherwise
