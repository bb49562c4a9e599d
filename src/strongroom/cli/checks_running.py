"""The checks of `strongroom doctor` on what a running server tends by itself: key services and backups."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from strongroom.cli.checks import FAILED, PASSED, SKIPPED, WARNING, Finding, lasting
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.cli.session import Session

FORBIDDEN = 403


def running_checks(session: Session) -> Iterator[Finding]:
    """Nothing where the server does not answer, which another check has said."""
    try:
        body = session.client_with(None, retries=0).request("GET", "sys/seal-backend-status").body
        yield from (_seal(one) for one in body["backends"])
        if body["backends"] and not body["fully_wrapped"]:
            yield Finding("key service", WARNING, "not every key service can open the store yet", _TEND)
        yield _backups(session)
    except (Failure, Refused, KeyError):
        return


_TEND = "See Several seals in docs/seal.md; strongroom operator seal-status"


def _seal(backend: dict[str, Any]) -> Finding:
    name = f"{backend['name']} ({backend['type']})"
    if backend["disabled"]:
        return Finding("key service", SKIPPED, f"{name} is disabled")
    if backend["healthy"]:
        return Finding("key service", PASSED, f"{name} would open the store")
    if not backend["configured"]:
        return Finding("key service", WARNING, f"{name} holds the key but is not configured here", _TEND)
    since = f" since {backend['unhealthy_since']}" if "unhealthy_since" in backend else ""
    return Finding(
        "key service", FAILED, f"{name} would not open the store{since}", "The server's log says why."
    )


def _backups(session: Session) -> Finding:
    """How backups go that the server makes by itself, and how old the last one is."""
    try:
        found = session.data(session.client.request("GET", "sys/storage/backups"))
    except Refused as refused:
        if refused.status != FORBIDDEN:
            raise
        return Finding("backups", SKIPPED, "not asked", "It takes a token that may read sys/storage/backups.")
    if not found["configured"]:
        hint = "See docs/backup.md, On a schedule."
        return Finding("backups", SKIPPED, "this server makes none by itself", hint)
    last = found["last"]
    age = time.time() - datetime.fromisoformat(last["created"]).timestamp() if last else 0
    text = f"the last one is {lasting(int(age))} old, in {found['place']}" if last else "none was made yet"
    if found["failures"]:
        why = f"{found['failures']} failed in a row: {found['error']}; {text}"
        return Finding(
            "backups", FAILED if found["overdue"] else WARNING, why, "Mend that; it is tried again."
        )
    if found["overdue"]:
        return Finding(
            "backups", FAILED, text, "strongroom job schedules; strongroom write -f sys/storage/backups"
        )
    return Finding("backups", PASSED, text)
