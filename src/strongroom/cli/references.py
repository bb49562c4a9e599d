"""References: `strongroom://MOUNT/PATH/FIELD` stands in a file or variable where a secret's value goes.

The last part is the field; parts are percent-encoded. What stands right after a reference
must not look like more of it: `strongroom adopt` leaves such places to people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from strongroom.cli import errors
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.kv.place import KINDS, MOUNTS, find

if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.cli.session import Session

PREFIX = "strongroom://"
PATTERN = re.compile(r"strongroom://([\w.%~+-]+(?:/[\w.%~+-]+)+)", re.ASCII)
CONTINUES = re.compile(rb"[\w.%~+/-]", re.ASCII)


def reference(path: str, field: str) -> str:
    """The reference to a field of the secret at `path`."""
    return PREFIX + "/".join(quote(part, safe="~+") for part in (*path.split("/"), field))


class Leased(NamedTuple):
    """A lease that came with a value; `seconds` is how long it is good for."""

    id: str
    seconds: int
    renewable: bool


class Resolver:
    """Puts values in place of references; each secret is read once, so one account serves all that name it.

    What is issued on demand comes with `leases`: they are the caller's to renew and revoke.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, dict[str, object]] = {}
        self.leases: list[Leased] = []

    def text(self, text: str, encode: Callable[[str], str] = str) -> str:
        """`text` with every reference replaced by its value. Raises Failure for one that leads nowhere."""
        return PATTERN.sub(lambda found: encode(self._value(found[1])), text)

    def secret(self, path: str) -> dict[str, str]:
        """The fields of a whole secret as text."""
        return {name: _text(f"{path}/{name}", value) for name, value in self._fields(path).items()}

    def _value(self, name: str) -> str:
        path, _, field = name.rpartition("/")
        path, field = unquote(path), unquote(field)
        stored = self._fields(path)
        if field not in stored:
            raise Failure(
                errors.NEGATIVE,
                f"{PREFIX}{name} leads nowhere",
                f"{path} has no field '{field}'.",
                errors.near(field, list(stored)),
            )
        return _text(name, stored[field])

    def _fields(self, path: str) -> dict[str, object]:
        if path not in self._known:
            try:
                self._known[path] = self._read(path)
            except Refused as refused:
                if refused.status != 404:
                    raise
                raise Failure(errors.NEGATIVE, f"nothing is stored at {path}") from None
        return self._known[path]

    def _read(self, path: str) -> dict[str, object]:
        client = self._session.client
        try:
            kind = client.request("GET", f"{MOUNTS}/{path}").body["data"]["type"]
        except Refused as refused:
            if refused.status != 403:
                raise
            kind = KINDS[0]  # `find` says what the caller may use
        if kind in KINDS:
            place = find(self._session, path)
            found = client.request("GET", place.path("data")).body["data"]
            return dict(found["data"] if place.versioned else found)
        body = client.request("GET", path).body
        if body.get("lease_id"):
            lease = Leased(body["lease_id"], body["lease_duration"], bool(body["renewable"]))
            self.leases.append(lease)
        return dict(body["data"] or {})


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise Failure(
            errors.NEGATIVE, f"{PREFIX}{name} is no text", "Only text and whole numbers are put in place."
        )
    return str(value)
