"""Where adopted secrets go, a versioned key-value engine: nothing is overwritten, all is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.cli import errors
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.kv.place import versioned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from strongroom.cli.adopt.drafts import Draft
    from strongroom.cli.kv.place import Place
    from strongroom.cli.session import Session

FACTS = ("owner", "purpose", "environment", "classification", "lifespan")


class Settled(NamedTuple):
    """A draft with the field it gets; `there` when the vault has the value in it already."""

    draft: Draft
    field: str
    there: bool


class Slot:
    """One secret in the vault, as it is and as it will be."""

    def __init__(self, session: Session, path: str) -> None:
        self._session = session
        self.place: Place = versioned(session, path)
        found = _found(session, self.place.path("data"))
        self._version: int = found["metadata"]["version"] if found else 0
        self._data: dict[str, object] = (found or {}).get("data") or {}
        self.settled: list[Settled] = []

    def take(self, draft: Draft) -> None:
        """Choose a draft's field: the one that has its value already, else a name that is free."""
        number, field = 1, draft.field
        while self._data.get(field, draft.value) != draft.value:
            number += 1
            field = f"{draft.field}_{number}"
        self.settled.append(Settled(draft, field, field in self._data))
        self._data[field] = draft.value

    def write(self, facts: Mapping[str, str], reason: str) -> None:
        """Write facts and fields, then read them back. Raises Failure, Refused."""
        self._describe(facts)
        if all(one.there for one in self.settled):
            return
        body = {"data": self._data, "options": {"cas": self._version, "reason": reason[:500]}}
        self._session.client.request("POST", self.place.path("data"), body)
        kept = _found(self._session, self.place.path("data")) or {}
        if kept.get("data") != self._data:
            raise Failure(
                errors.UNEXPECTED,
                f"{self.place.shown} does not hold what was written",
                "Nothing was replaced in files.",
            )

    def _describe(self, facts: Mapping[str, str]) -> None:
        """Custom metadata: what is given now, beside what is there; where it was first found stays."""
        path = self.place.path("metadata")
        before = (_found(self._session, path) or {}).get("custom_metadata") or {}
        after = {
            **before,
            **{name: value for name, value in facts.items() if name in FACTS or name not in before},
        }
        if after != before:
            self._session.client.request("POST", path, {"custom_metadata": after})


def slots(session: Session, drafts: Iterable[Draft]) -> list[Slot]:
    """The secrets that take the drafts, in the order of their paths."""
    found: dict[str, Slot] = {}
    for draft in sorted(drafts, key=lambda one: one.path):
        if draft.path not in found:
            found[draft.path] = Slot(session, draft.path)
        found[draft.path].take(draft)
    return list(found.values())


def _found(session: Session, path: str) -> dict[str, Any] | None:
    try:
        return session.data(session.client.request("GET", path))  # type: ignore[no-any-return]  # JSON
    except Refused as refused:
        if refused.status == 404:  # never written, or its newest version is deleted
            return None
        raise
