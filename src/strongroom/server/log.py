"""The operator's log: one structured line an event, on standard error.

Fields are names and numbers that the caller chooses. It takes no request, no
exception text and no value: an error is its class and where it was raised.
"""

import json
import sys
import time
import traceback
from pathlib import Path
from typing import TextIO

from strongroom.clock import rfc3339

LEVELS = ("debug", "info", "warning", "error")
_FRAMES = 6


class OperatorLog:
    """Writes lines as text or JSON; below `level` nothing."""

    def __init__(self, style: str = "text", level: str = "info", stream: TextIO | None = None) -> None:
        self._json = style == "json"
        self._least = LEVELS.index(level)
        self._stream = stream if stream is not None else sys.stderr

    def info(self, event: str, **fields: str | int) -> None:
        """Something an operator may want to know."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: str | int) -> None:
        """Something an operator should change."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: str | int) -> None:
        """Something has failed."""
        self._write("error", event, fields)

    def unexpected(self, request_id: str, error: BaseException) -> None:
        """A fault of ours: its class and frames. The message may quote a value, so it stays out."""
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        where = " < ".join(f"{Path(f.filename).name}:{f.lineno}:{f.name}" for f in reversed(frames))
        self.error("internal error", request_id=request_id, kind=type(error).__name__, where=where)

    def _write(self, level: str, event: str, fields: dict[str, str | int]) -> None:
        if LEVELS.index(level) < self._least:
            return
        moment = rfc3339(int(time.time()))
        if self._json:
            line = json.dumps({"time": moment, "level": level, "event": event, **fields}, ensure_ascii=False)
        else:
            rest = "".join(f" {name}={_text(value)}" for name, value in fields.items())
            line = f"{moment} {level:<7} {event}{rest}"
        self._stream.write(line + "\n")
        self._stream.flush()


def _text(value: str | int) -> str:
    """A value as one word, or quoted: it never starts a line of its own."""
    text = str(value)
    return text if text.isprintable() and text and " " not in text else json.dumps(text)
