"""Why a server does not start, in three lines: what, why, what to do next."""

from strongroom.errors import InvalidRequest


class StartFailed(InvalidRequest):
    """The server cannot start as it is configured; nothing has been served."""

    def __init__(self, what: str, why: str, next_step: str) -> None:
        super().__init__(f"{what}\n{why}\n{next_step}")
        self.what = what
        self.why = why
        self.next_step = next_step
