"""A program that runs with leased credentials: they are renewed while it runs and revoked when it ends.

Signals go on to the program. What its credentials cannot outlive is said in time; the program is
not stopped for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from strongroom.cli.references import Leased
    from strongroom.cli.session import Session

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
SHARE = 2 / 3  # of a lease's time after which it is renewed
SOONEST = 1.0
ENDED_BY_SIGNAL = 128


def run(
    session: Session, program: Sequence[str], environ: Mapping[str, str], leases: Sequence[Leased]
) -> int:
    """Run it to its end; returns its exit code, 128 and more for a signal. Raises OSError."""
    try:
        child = subprocess.Popen(program, env=environ)  # noqa: S603  # the user's own program
        before = {number: signal.signal(number, lambda got, _: _pass_on(child, got)) for number in FORWARDED}
        try:
            code = _attended(session, child, {lease.id: lease for lease in leases})
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    finally:
        release(session, leases)
    return code if code >= 0 else ENDED_BY_SIGNAL - code


def _pass_on(child: subprocess.Popen[bytes], number: int) -> None:
    """Give a signal to the program, but not an interrupt from the keyboard: the terminal has done so."""
    if number != signal.SIGINT or not _in_foreground():
        child.send_signal(number)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # no terminal
        return False


def release(session: Session, leases: Sequence[Leased]) -> None:
    """Revoke what was issued."""
    for lease in leases:
        _asked(session, "revoke", {"lease_id": lease.id})


def _attended(session: Session, child: subprocess.Popen[bytes], leases: dict[str, Leased]) -> int:
    """Wait for the program, and renew each lease when two thirds of its time are over."""
    due = {lease.id: _due(lease) for lease in leases.values()}
    while True:
        wait = max(0.0, min(due.values(), default=0.0) - time.monotonic()) if due else None
        try:
            return child.wait(wait)
        except subprocess.TimeoutExpired:
            one = min(due, key=lambda name: due[name])
        renewed = _asked(session, "renew", {"lease_id": one, "increment": leases[one].seconds})
        seconds = int(renewed.get("lease_duration") or 0)
        if seconds * SHARE > SOONEST:
            due[one] = time.monotonic() + seconds * SHARE
        else:
            del due[one]
            session.warn(
                f"a credential of the program ends in {seconds} s and cannot be renewed: start it again"
            )


def _due(lease: Leased) -> float:
    return time.monotonic() + max(SOONEST, lease.seconds * SHARE)


def _asked(session: Session, deed: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A request about a lease; what goes wrong is told, and the program goes on."""
    try:
        answer = session.client.request("PUT", f"sys/leases/{deed}", dict(body))
        session.client.close()  # the next request is a long time off
    except Refused as refused:
        session.warn(f"a lease could not be {deed}d: {refused.status} {'; '.join(refused.messages)}")
    except Failure as failure:
        session.warn(f"a lease could not be {deed}d: {failure.what}")
    else:
        return answer.body or {}
    return {}
