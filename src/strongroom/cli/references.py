"""References: `strongroom://MOUNT/PATH/FIELD` stands in a file or variable where a secret's value goes.

The last part is the field; parts are percent-encoded. What stands right after a reference
must not look like more of it: `strongroom adopt` leaves such places to people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from strongroom.cli import errors
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.kv.place import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.cli.session import Session

PREFIX = "strongroom://"
PATTERN = re.compile(r"strongroom://([\w.%~+-]+(?:/[\w.%~+-]+)+)", re.ASCII)
CONTINUES = re.compile(rb"[\w.%~+/-]", re.ASCII)


def reference(path: str, field: str) -> str:
    """The reference to a field of the secret at `path`."""
    return PREFIX + "/".join(quote(part, safe="~+") for part in (*path.split("/"), field))


class Resolver:
    """Puts values in place of references; each secret is read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, dict[str, object]] = {}

    def text(self, text: str, encode: Callable[[str], str] = str) -> str:
        """`text` with every reference replaced by its value. Raises Failure for one that leads nowhere."""
        return PATTERN.sub(lambda found: encode(self._value(found[1])), text)

    def secret(self, path: str) -> dict[str, str]:
        """The fields of a whole secret as text."""
        return {name: _text(f"{path}/{name}", value) for name, value in self._fields(path).items()}

    def _value(self, name: str) -> str:
        path, _, field = name.rpartition("/")
        path, field = unquote(path), unquote(field)
        fields = self._fields(path)
        if field not in fields:
            raise Failure(
                errors.NEGATIVE,
                f"{PREFIX}{name} leads nowhere",
                f"{path} has no field '{field}'.",
                errors.near(field, list(fields)),
            )
        return _text(name, fields[field])

    def _fields(self, path: str) -> dict[str, object]:
        if path not in self._known:
            place = find(self._session, path)
            try:
                found = self._session.data(self._session.client.request("GET", place.path("data")))
            except Refused as refused:
                if refused.status != 404:
                    raise
                raise Failure(errors.NEGATIVE, f"nothing is stored at {place.shown}") from None
            self._known[path] = found["data"] if place.versioned else found
        return self._known[path]


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise Failure(
            errors.NEGATIVE, f"{PREFIX}{name} is no text", "Only text and whole numbers are put in place."
        )
    return str(value)
