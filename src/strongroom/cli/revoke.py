"""Revoke a found credential at its provider.

examples:
  strongroom revoke                      asks for the credential, without echo
  pass show leaked | strongroom revoke - --yes
  strongroom revoke 9f86d081             what the last scan found, by its fingerprint
  strongroom revoke - --dry-run          show the request, without the secret
  strongroom revoke - --type hashicorp.vault_service_token --verify-host hashicorp=vault.example.com:8200

exit codes: 0 revoked (or dead already), 1 not revoked, 2 wrong usage, 4 no answer
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from strongroom.cli import live, prompt, scan_options
from strongroom.cli.errors import NEGATIVE, OK, UNREACHABLE, USAGE, Failure
from strongroom.errors import InvalidRequest
from strongroom.scanner import finding, fingerprint, revoke, rules, verify
from strongroom.scanner.revoke import Credential, Outcome, Revoker
from strongroom.scanner.verify import call as calls
from strongroom.scanner.verify import canaries
from strongroom.scanner.verify.judge import DEAD, LIVE, Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from strongroom.scanner.detector import Detector
    from strongroom.scanner.finding import Finding
    from strongroom.scanner.rules import Rules

LIMIT = 1 << 20
_PIPE = "Pipe the credential itself: … | strongroom revoke -"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("target", nargs="?", metavar="-|FINGERPRINT", help="standard input, or a finding of the last scan")
    add("--type", default="", metavar="TYPE", help="what it is: github, slack.bot_token (found out)")
    add("--part", action="append", default=[], metavar="NAME=VALUE", help="what its call needs besides")
    add("--yes", "-y", action="store_true", help="do not ask")
    add("--dry-run", action="store_true", help="show the request, send nothing")
    add("--fingerprint-key", default="", metavar="FILE", help="key of private fingerprints")
    scan_options.add(parser, {"the call": scan_options.calls()})


def run(args: argparse.Namespace) -> int:
    """Revoke it, after a yes."""
    compiled = rules.load()
    found = _credential(args, compiled)
    if who := canaries.owner([finding.printable(found.secret), *found.parts.values()], ()):
        raise Failure(NEGATIVE, f"this is planted by {who}: using it raises an alarm", "Nothing was sent.")
    choice = verify.Choice(hosts=live.hosts(args.verify_host))
    revoker = Revoker(verify.Checker(live.transport(args), choice))
    if args.dry_run:
        sys.stdout.write("\n".join(revoker.described(found)) + "\n")
        sys.stderr.write("nothing was sent (--dry-run)\n")
        return OK
    before = revoker.account(found)
    if before.validity == DEAD:
        sys.stderr.write(f"{found.detector.name} {finding.mask(found.secret)} is dead already\n")
        return OK
    _confirm(args, found, before)
    return _told(found, revoker.revoke(found))


def _credential(args: argparse.Namespace, compiled: Rules) -> Credential:
    if args.target in (None, "-"):
        secret = _given(args.target)
        return Credential(_typed(compiled, secret, args.type), secret, _parts(args.part))
    chosen, around = _found(args, compiled)
    detector = chosen.detector if not args.type else _typed(compiled, chosen.secret, args.type)
    _offers(detector)
    parts = _parts(args.part)
    wanted = calls.read(detector.revoke or {})
    for named in verify.Parts(around).sets(wanted, chosen):
        parts = {name: part.text for name, part in named.items()} | parts
        break
    return Credential(detector, chosen.secret, parts)


def _given(target: str | None) -> bytes:
    if target is None:
        return prompt.hidden("The credential", _PIPE).reveal().strip().encode()
    secret = sys.stdin.buffer.read(LIMIT).strip()
    if not secret:
        raise Failure(USAGE, "the credential is missing", "Standard input is empty.")
    return secret


def _parts(given: list[str]) -> dict[str, str]:
    found = {}
    for entry in given:
        name, mark, value = entry.partition("=")
        if not mark or not name or not value:
            raise InvalidRequest("--part is of the form NAME=VALUE")
        found[name] = value
    return found


def _typed(compiled: Rules, secret: bytes, wanted: str) -> Detector:
    """The type. Raises Failure where it is not clear, or its provider revokes nothing."""
    known = revoke.types(compiled, secret, wanted)
    if not known:
        raise Failure(
            USAGE, "what type of credential this is cannot be told", "", "Name it: --type PROVIDER.KIND"
        )
    offered = [d for d in known if d.revoke] or known[:1]
    if len({d.id for d in offered}) > 1:
        names = ", ".join(sorted({d.id for d in offered}))
        raise Failure(USAGE, "it may be of several types", names, "Choose one: --type PROVIDER.KIND")
    return _offers(offered[0])


def _offers(detector: Detector) -> Detector:
    if not detector.revoke:
        why = "Its provider revokes no credential that is presented to it, or we do not know how."
        raise Failure(NEGATIVE, f"{detector.name}: cannot be revoked from here", why, detector.advice)
    return detector


def _found(args: argparse.Namespace, compiled: Rules) -> tuple[Finding, list[Finding]]:
    """The finding of this fingerprint, read again from its file, and all that stands there."""
    from strongroom.scanner import scan  # noqa: PLC0415 (only for a finding)
    from strongroom.scanner.sources.files import FilesSource  # noqa: PLC0415
    from strongroom.scanner.suppress import last_found  # noqa: PLC0415

    if not re.fullmatch(r"[0-9a-f]{8,32}", args.target):
        why = "A credential does not belong on the command line: everybody on this machine can read it there."
        raise Failure(USAGE, "that is no fingerprint", why, _PIPE)
    known = [f for f in last_found.recall(".") if f.fingerprint.startswith(args.target)]
    if not known:
        raise Failure(USAGE, f"the last scan found nothing of the fingerprint {args.target}", "", _PIPE)
    key_file = scan_options.fingerprint_key(args)
    key = fingerprint.read_key(key_file) if key_file else fingerprint.PUBLIC_KEY
    path = known[0].place.rpartition(":")[0].partition("!")[0]
    if os.path.isfile(path):  # noqa: PTH113
        report = scan.scan(FilesSource([path], ignored=True), compiled, scan.Options(key=key))
        for seen in report.findings:
            if seen.fingerprint == known[0].fingerprint and seen.detector.id == known[0].detector:
                return seen, report.findings
    raise Failure(USAGE, f"{known[0].name} is no longer at {known[0].place}", "", _PIPE)


def _confirm(args: argparse.Namespace, found: Credential, before: Verdict) -> None:
    """Say what is revoked and whose it is, and get a yes. Raises Failure without one."""
    write = sys.stderr.write
    write(f"revoke {found.detector.name} {finding.mask(found.secret)} ({found.detector.id})\n")
    write(f"  account: {_whose(before.reach, found.parts)}\n")
    write(f"  now: {before.validity}{f' ({before.why})' if before.why else ''}\n")
    write("  what uses it stops working\n")
    if args.yes:
        return
    if args.target == "-" or not sys.stdin.isatty():
        raise Failure(USAGE, "not done without a yes", "There is no terminal to ask on.", "Give --yes.")
    write("Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure(NEGATIVE, "nothing was changed")


def _whose(reach: tuple[tuple[str, str], ...], parts: Mapping[str, str]) -> str:
    told = [f"{name} {value}" for name, value in (*reach, *sorted(parts.items()))]
    return ", ".join(told) or "not known"


def _told(found: Credential, outcome: Outcome) -> int:
    """Report the outcome; only what is dead, or what no check can ask about, counts as revoked."""
    shown = f"{found.detector.name} {finding.mask(found.secret)}"
    if outcome.result == revoke.ALREADY:
        sys.stderr.write(f"{shown} was dead already\n")
        return OK
    if outcome.result == revoke.REVOKED and outcome.after != LIVE:
        why = f" ({outcome.why})" if outcome.why else ""
        state = "and is dead" if outcome.after == DEAD else f"but could not be checked afterwards{why}"
        sys.stderr.write(f"{shown} is revoked {state}\n")
        return OK
    if outcome.result == revoke.REVOKED:
        why = f"{found.detector.name} was accepted for revocation, but is still live"
        raise Failure(NEGATIVE, f"{shown} is not revoked yet", why, found.detector.advice)
    code = UNREACHABLE if outcome.result == revoke.UNANSWERED else NEGATIVE
    raise Failure(code, f"{shown} is not revoked", outcome.why, found.detector.advice)
