"""Brings what other parts, libraries and the event loop report by `logging` into the operator's log.

Our own parts choose their words; of a library only its name and the place are said, since its message
may quote an address or a value. Of an exception, its class and frames.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom.server.log import OperatorLog

_OURS = "strongroom."


class Relay(logging.Handler):
    """Turns records into lines of the operator's log."""

    def __init__(self, log: OperatorLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. Never raises: what cannot be said is said to be so."""
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        try:
            event = record.getMessage() if record.name.startswith(_OURS) else "a library reports"
        except (TypeError, ValueError):
            event = "a report that does not fit its arguments"
        say(event, logger=record.name, at=f"{Path(record.pathname).name}:{record.lineno}")
        if record.exc_info and record.exc_info[1] is not None:  # libraries also pass False
            self._log.unexpected(record.name, record.exc_info[1])


@contextmanager
def relaying(log: OperatorLog) -> Iterator[None]:
    """Make the operator's log the only place where this process reports, for as long as the server runs."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = [Relay(log)]
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
