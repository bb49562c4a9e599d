"""Copies one secret of another vault version by version, and reads each back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.cli.client import Refused
from strongroom.cli.kv.place import versioned

if TYPE_CHECKING:
    from strongroom.cli.client import Client
    from strongroom.cli.session import Session

ORIGIN = "adopted_from"
KEPT = ("max_versions", "cas_required", "delete_version_after")
DEFAULT_VERSIONS = 10
MAX_FACTS, MAX_FACT = 64, 512
MAX_GAP = 100  # versions dropped there that are stood for here, so that numbers agree


class Outcome(NamedTuple):
    """What became of a secret: `adopted`, `there already` or `left out`, and why."""

    path: str
    state: str
    versions: int = 0
    why: str = ""


class Copier:
    """Copies secrets of one engine there to a folder here."""

    def __init__(self, session: Session, source: Client, mount: str, to: str, *, versions: bool) -> None:
        self._session = session
        self._source = source
        self._mount = mount
        self._to = to
        self._versions = versions

    def copy(self, path: str) -> Outcome:
        """Copy a secret; what is refused on either side is told, and the others go on."""
        shown = f"{self._mount}{path}"
        try:
            return self._copied(path, shown)
        except Refused as refused:
            return Outcome(shown, "left out", why=f"{refused.method} {refused.path}: {refused.status}")

    def _copied(self, path: str, shown: str) -> Outcome:
        place = versioned(self._session, f"{self._to}/{path}")
        origin = f"{self._source.options.address}/{shown}"[-MAX_FACT:]
        about, numbers = self._described(path)
        here = _found(self._session.client, place.path("metadata")) or {}
        known, done = here.get("custom_metadata") or {}, int(here.get("current_version") or 0)
        gap = max(0, min(numbers, default=1) - 1)
        gap = gap if gap > MAX_GAP else 0
        last = max(numbers, default=0) - gap
        if done and known.get(ORIGIN) != origin:
            return Outcome(shown, "left out", why=f"{place.shown} is there already, and is not from {origin}")
        if done >= last and here:
            return Outcome(shown, "there already")
        facts = {**(about.get("custom_metadata") or {}), **known}
        if len(facts) < MAX_FACTS:
            facts[ORIGIN] = origin
        settings = {name: about[name] for name in KEPT if about.get(name)}
        kept = max(len(numbers), int(settings.get("max_versions", 0)), DEFAULT_VERSIONS)
        if kept > DEFAULT_VERSIONS:
            settings["max_versions"] = kept
        self._session.client.request("POST", place.path("metadata"), {**settings, "custom_metadata": facts})
        for number in range(done + 1, last + 1):
            self._version(path, place, number, numbers.get(number + gap), number + gap)
        return Outcome(shown, "adopted", last - done)

    def _described(self, path: str) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
        """The settings there, and what is said of each version; of an engine without, one version."""
        if not self._versions:
            return {}, {1: {}}
        about = self._source.request("GET", f"{self._mount}metadata/{path}").body["data"]
        numbers = {int(number): version for number, version in (about.get("versions") or {}).items()}
        return about, numbers

    def _version(
        self, path: str, place: Any, number: int, version: dict[str, Any] | None, theirs: int
    ) -> None:
        """Write one version, or one that stands for what is gone there."""
        data = None if version is None or version.get("destroyed") else self._data(path, theirs)
        when = (version or {}).get("created_time") or ""
        reason = f"version {theirs} of {self._source.host}, {f'written {when}' if when else 'gone'}"
        options = {"cas": number - 1, "reason": reason}
        client = self._session.client
        client.request("POST", place.path("data"), {"data": data or {}, "options": options})
        if data is None:
            client.request("POST", place.path("destroy"), {"versions": [number]})
            return
        kept = client.request("GET", place.path("data"), query={"version": str(number)}).body["data"]["data"]
        if kept != data:
            raise Refused("GET", place.path("data"), 500, ["it does not hold what was written"], None)

    def _data(self, path: str, number: int) -> dict[str, Any] | None:
        """What a version holds there, None when it is deleted."""
        if not self._versions:
            return self._source.request("GET", f"{self._mount}{path}").body["data"]  # type: ignore[no-any-return]  # JSON
        query = {"version": str(number)}
        try:
            found = self._source.request("GET", f"{self._mount}data/{path}", query=query).body["data"]["data"]
        except Refused as refused:
            if refused.status == 404:
                return None
            raise
        return found  # type: ignore[no-any-return]  # JSON


def _found(client: Client, path: str) -> dict[str, Any] | None:
    try:
        return client.request("GET", path).body["data"]  # type: ignore[no-any-return]  # JSON
    except Refused as refused:
        if refused.status == 404:
            return None
        raise
