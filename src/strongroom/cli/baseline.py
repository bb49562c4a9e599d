"""Put up a gate in a repository that has old findings: create, update or audit a baseline.

examples:
  strongroom baseline create .                       writes .strongroom-baseline.json
  strongroom scan . --baseline .strongroom-baseline.json
  strongroom baseline update . --history             forgets what is gone, adds what is new
  strongroom baseline audit                          goes through what nobody has looked at
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from strongroom.cli import scan, scan_options, scan_sources
from strongroom.errors import InvalidRequest
from strongroom.scanner import fingerprint
from strongroom.scanner.suppress import baseline

if TYPE_CHECKING:
    import argparse

    from strongroom.scanner.suppress.baseline import Known

FILE = ".strongroom-baseline.json"
ANSWERS = {"s": "secret", "f": "false_positive", "t": "test"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of each sub-command."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about in (("create", "write down what is found now"), ("update", "bring it up to date")):
        command = commands.add_parser(name, help=about, allow_abbrev=False)
        command.add_argument("paths", nargs="*", metavar="PATH", help="what is scanned")
        scan_options.add(command, scan_options.sources(), scan_options.detectors())
        command.set_defaults(**_settings(command))
        _shared(command)
    audit = commands.add_parser("audit", help="say what each one is", allow_abbrev=False)
    audit.add_argument(
        "--set", action="append", default=[], metavar="FINGERPRINT=STATUS", help="without asking"
    )
    audit.add_argument("--note", default="", help="why, with --set")
    audit.add_argument("--list", action="store_true", help="show what is known and stop")
    _shared(audit)


def _settings(command: argparse.ArgumentParser) -> dict[str, object]:
    """What the scan's other options are here: markers and the ignore file hold, nothing is shown."""
    taken = {action.dest for action in command._actions}
    return {key: value for key, value in scan_options.defaults(quiet=True).items() if key not in taken}


def _shared(command: argparse.ArgumentParser) -> None:
    command.add_argument("--file", default=FILE, metavar="FILE", help=f"the baseline ({FILE})")
    command.add_argument("--fingerprint-key", default="", metavar="FILE", help="key for private fingerprints")


def run(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    file = scan_options.fingerprint_key(args)
    key = fingerprint.read_key(file) if file else fingerprint.PUBLIC_KEY
    return _audit(args, key) if args.command == "audit" else _record(args, key)


def _record(args: argparse.Namespace, key: bytes) -> int:
    before = baseline.load(args.file, key) if args.command == "update" else []
    report = scan.find(args, *scan_sources.make_source(args))
    report.findings = report.open
    known = baseline.merge(report, before, time.strftime("%Y-%m-%d"))
    baseline.save(args.file, known, key)
    old, new = {k.fingerprint for k in before}, {k.fingerprint for k in known}
    sys.stderr.write(f"{args.file}: {len(known):,} known, {len(new - old):,} new, {len(old - new):,} gone\n")
    for warning in report.warnings[: scan.WARNINGS_SHOWN]:
        sys.stderr.write(f"warning: {warning}\n")
    return 0


def _audit(args: argparse.Namespace, key: bytes) -> int:
    known = baseline.load(args.file, key)
    if args.list:
        for entry in known:
            sys.stdout.write(f"{entry.fingerprint}  {entry.status:<14}  {_line(entry)}\n")
    elif args.set:
        baseline.save(args.file, _marked(known, args.set, args.note), key)
    elif sys.stdin.isatty():
        baseline.save(args.file, _asked(known), key)
    else:
        raise InvalidRequest("an audit asks on a terminal; elsewhere use --set FINGERPRINT=STATUS or --list")
    counts = {status: sum(k.status == status for k in known) for status in baseline.STATUSES}
    sys.stderr.write(", ".join(f"{count:,} {status}" for status, count in counts.items()) + "\n")
    return 0


def _line(entry: Known) -> str:
    return f"{entry.name}  {', '.join(entry.places)}  {entry.note}".rstrip()


def _marked(known: list[Known], orders: list[str], note: str) -> list[Known]:
    for order in orders:
        given, _, status = order.partition("=")
        if status not in baseline.STATUSES:
            raise InvalidRequest(f"{order}: FINGERPRINT=STATUS, with one of {', '.join(baseline.STATUSES)}")
        meant = [n for n, k in enumerate(known) if len(given) >= 8 and k.fingerprint.startswith(given)]
        if len(meant) != 1:
            raise InvalidRequest(f"{given}: {len(meant):,} known secrets have a fingerprint like this")
        known[meant[0]] = known[meant[0]]._replace(status=status, note=note)
    return known


def _asked(known: list[Known]) -> list[Known]:
    """Ask about each one that nobody has looked at; `q` ends early."""
    for number, entry in enumerate(known):
        if entry.status != "unreviewed":
            continue
        sys.stderr.write(f"\n{_line(entry)}\n  [s]ecret, [f]alse positive, [t]est value, [n]ext, [q]uit: ")
        sys.stderr.flush()
        answer = sys.stdin.readline().strip().lower()[:1]
        if answer in ("q", ""):
            break
        if answer in ANSWERS:
            known[number] = entry._replace(status=ANSWERS[answer])
    return known
