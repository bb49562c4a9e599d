"""`.strongroom-ignore.toml`: reviewed exceptions, each with fingerprint, reason, owner and expiry.

    [[ignore]]
    fingerprint = "9f86d081884c7d659a2feaa0c55ad015"
    reason      = "sandbox key, printed in the provider's tutorial"
    owner       = "ana@example.com"
    expires     = 2027-03-01
    # optional: detector = "stripe.secret_key" · place = "docs/a.md:12" (for readers) · live = true

Whatever is unknown or missing is an error: a typing mistake must not hide a secret, or show one.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.scanner.finding import Finding

NAME = ".strongroom-ignore.toml"
NEEDED = ("fingerprint", "reason", "owner", "expires")
KNOWN = {*NEEDED, "detector", "place", "live"}
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

HEADER = """\
# Secrets that may stand in this repository. Review each entry: it hides one secret, by fingerprint.
# `strongroom ignore --help` adds entries; an expired one hides nothing.
"""


class Entry(NamedTuple):
    """One exception; `expires` is the last day it holds, as YYYY-MM-DD."""

    fingerprint: str
    reason: str
    owner: str
    expires: str
    detector: str = ""
    place: str = ""
    live: bool = False

    def names(self, found: Finding) -> bool:
        """Whether this is about `found`."""
        return self.fingerprint == found.fingerprint and self.detector in ("", found.detector.id)


def find(path: str) -> str:
    """Return the ignore file of `path`: beside it or above, up to the repository's top; "" for none."""
    place = os.path.realpath(path if path != "-" else ".")
    while True:
        candidate = f"{place}/{NAME}"
        if os.path.isfile(candidate):  # noqa: PTH113 (pathlib costs a hook 4 ms)
            return candidate
        parent = os.path.dirname(place)  # noqa: PTH120
        if parent == place or os.path.lexists(f"{place}/.git"):
            return ""
        place = parent


def read(path: str) -> list[Entry]:
    """Read an ignore file. Raises InvalidRequest with the place of what is wrong."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    return parse(text, path)


def parse(text: str, source: str) -> list[Entry]:
    """Read the entries of `text`; `source` names it in errors."""
    import tomllib  # noqa: PLC0415 (only where there is an ignore file)

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{source}: not TOML: {error}") from error
    if unknown := set(document) - {"ignore"}:
        raise InvalidRequest(f"{source}: unknown key `{min(unknown)}`; entries are `[[ignore]]` tables")
    tables = document.get("ignore", [])
    return [_entry(table, f"{source}: entry {number}") for number, table in enumerate(tables, 1)]


def _entry(table: dict[str, Any], where: str) -> Entry:
    for key in table:
        if key not in KNOWN:
            from difflib import get_close_matches  # noqa: PLC0415 (for a mistake only)

            near = get_close_matches(key, KNOWN, 1)
            raise InvalidRequest(
                f"{where}: unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")
            )
    fields: dict[str, Any] = {
        key: value if key == "live" else str(value).strip() for key, value in table.items()
    }
    for key in NEEDED:
        if not fields.get(key):
            raise InvalidRequest(
                f"{where}: `{key}` is missing: an exception says what, why, whose and how long"
            )
    if not _FINGERPRINT.fullmatch(fields["fingerprint"]):
        raise InvalidRequest(f"{where}: `fingerprint` is not 32 hex digits")
    if not _DATE.fullmatch(fields["expires"]):
        raise InvalidRequest(f"{where}: `expires` is not a date like 2027-03-01")
    if not isinstance(fields.get("live", False), bool):
        raise InvalidRequest(f"{where}: `live` is true or false")
    return Entry(**fields)


def append(path: str, entries: Iterable[Entry]) -> int:
    """Add `entries` to the file, but for those it has; returns how many were added."""
    known = {(e.fingerprint, e.detector, e.expires) for e in read(path)} if os.path.exists(path) else set()  # noqa: PTH110
    new = [e for e in entries if (e.fingerprint, e.detector, e.expires) not in known]
    lines = [] if os.path.exists(path) else [HEADER]  # noqa: PTH110
    for entry in new:
        lines.append("\n[[ignore]]\n")
        for key in Entry._fields:
            value = getattr(entry, key)
            if value:
                lines.append(f"{key} = {_toml(key, value)}\n")
    if new:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write("".join(lines))
    return len(new)


def _toml(key: str, value: str | bool) -> str:
    if key == "expires":
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    import json  # noqa: PLC0415 (for writing only)

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
