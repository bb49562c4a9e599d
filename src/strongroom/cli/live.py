"""Live checks as `scan` and `revoke` make them: consent, hosts, proxy and time from the options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest
from strongroom.scanner import verify
from strongroom.scanner.verify.memory import Memory
from strongroom.scanner.verify.transport import Https, proxy_at

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from strongroom.scanner.detector import Detector
    from strongroom.scanner.finding import Finding, Report
    from strongroom.scanner.verify.transport import Transport


def check(args: argparse.Namespace, choice: verify.Choice, report: Report, around: Sequence[Finding]) -> None:
    """Check what counts in `report`; `around` are all findings. What is left open is a warning."""
    memory = Memory(used=not args.no_verify_cache)
    report.warnings += verify.check(report.findings, around, verify.Checker(transport(args), choice, memory))


def choose(args: argparse.Namespace, known: Sequence[Detector]) -> verify.Choice:
    """What the options consent to. Raises InvalidRequest for a type that no detector has."""
    choice = verify.Choice(tuple(args.verify_only), tuple(args.verify_except), hosts(args.verify_host))
    for entry in (*choice.only, *choice.but, *(name for name, _ in choice.hosts)):
        if not any(verify.names(entry, detector) for detector in known):
            raise InvalidRequest(f"no type or provider `{entry}`: `strongroom detectors list` names them")
    return choice


def hosts(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read `TYPE=HOST[:PORT]`. Raises InvalidRequest for anything else."""
    found = []
    for entry in given:
        name, mark, host = entry.partition("=")
        if not name or not mark or not host or "/" in host:
            raise InvalidRequest(f"--verify-host {entry}: not of the form gitlab=git.example.com")
        found.append((name, host))
    return tuple(found)


def transport(args: argparse.Namespace) -> Transport:
    """What carries the calls. Raises InvalidRequest for a proxy that is none."""
    if args.verify_proxy:
        proxy_at(args.verify_proxy)
    if not 0 < args.verify_timeout <= 300:
        raise InvalidRequest("--verify-timeout: between 0 and 300 seconds")
    return Https(args.verify_timeout, args.verify_proxy)
