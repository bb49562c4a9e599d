"""`strongroom scan --server`: the values of a vault, sought without showing what is scanned.

The filter is fetched once; workers then ask over a connection each, and only about the
few places that pass it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from strongroom.cli import errors
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.cli.refusals import explained
from strongroom.cli.session import Session
from strongroom.scanner.known.finder import Held, KnownFinder
from strongroom.scanner.known.search import Filter
from strongroom.scanner.matcher import Matcher

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from strongroom.scanner.finding import Report
    from strongroom.scanner.rules import Rules

FINGERPRINTS = "inventory/fingerprints"


class ServerLost(Exception):
    """The server would not answer while a blob was scanned."""


class Vault:
    """The server's side of the exchange, over HTTP."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def filter(self) -> Filter:
        """Fetch the filter. Raises Failure."""
        try:
            found = self._session.client.request("GET", f"{FINGERPRINTS}/filter").body["data"]
        except Refused as refused:
            raise explained(self._session, refused) from None
        finally:
            self._session.client.close()  # workers are forked: each opens its own connection
        return Filter(bytes.fromhex(found["salt"]), b64decode(found["rows"]))

    def evaluate(self, points: Sequence[bytes]) -> list[bytes]:
        """Multiply each point with the server's key."""
        sent = {"points": [b64encode(point).decode() for point in points]}
        return [b64decode(text) for text in self._asked("evaluate", sent)["points"]]

    def tokens(self, fingerprints: Sequence[str]) -> list[str]:
        """How each token is named, "" for one that is not the server's or no longer good."""
        return [name or "" for name in self._asked("tokens", {"tokens": list(fingerprints)})["tokens"]]

    def held(self, rows: Sequence[tuple[bytes, bytes]]) -> list[tuple[Held, ...]]:
        """The live values of each row."""
        answer = self._asked("rows", {"rows": [(id + proof).hex() for id, proof in rows]})
        found = zip(rows, answer["rows"], strict=True)
        return [(_held(id, row),) if row else () for (id, _), row in found]

    def _asked(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._session.client.request("POST", f"{FINGERPRINTS}/{what}", body)
        except (Refused, Failure) as error:
            raise ServerLost(what) from error
        return cast("dict[str, Any]", answer.body["data"])


def _held(id: bytes, row: dict[str, Any]) -> Held:
    return Held(id, row["before"], row["length"], b64decode(row["check"]), tuple(row["held_as"]))


def finder(args: argparse.Namespace, rules: Rules) -> KnownFinder:
    """The detectors of `rules` and the values of the server's vault."""
    options = SimpleNamespace(
        address=args.address or None,
        field=None,
        show_secrets=False,
        color="never",
        format="json",
        reason=None,
    )
    vault = Vault(Session(cast("argparse.Namespace", options)))
    return KnownFinder(Matcher(rules, rules.engine()), vault.filter(), vault)


def settle(report: Report) -> None:
    """Fail rather than call clean what was not compared with the vault."""
    lost = sum(warning.endswith(f"({ServerLost.__name__})") for warning in report.warnings)
    if lost:
        raise Failure(
            errors.UNREACHABLE,
            f"{lost} files could not be compared with the vault",
            "The server was lost or refused: windows are limited for each caller and hour.",
            "Scan less at once, or ask the operator.",
        )
