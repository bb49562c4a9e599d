"""Find secrets in files, folders, standard input and git.

examples:
  strongroom scan .                      the work tree
  strongroom scan src config.yml         some files and folders
  cat build.log | strongroom scan -      standard input
  strongroom scan . --history            every commit of every branch
  strongroom scan --staged               what the next commit would hold
  strongroom scan --image app.tar        a saved image; or alpine:3, r.example/app:1
  strongroom scan . --format json -o out.json

exit codes: 0 nothing found, 1 something found, 2 wrong usage, 128 unexpected
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from strongroom.cli import scan_sources
from strongroom.errors import InvalidRequest
from strongroom.scanner import fingerprint, reports, rules, scan
from strongroom.scanner.finding import CONFIDENCE_RANK
from strongroom.scanner.limits import Limits

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

    from strongroom.scanner.finding import Report

CLEAN, FOUND = 0, 1
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
WARNINGS_SHOWN = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files and folders; - is standard input (default: the current folder)",
    )
    scan_sources.add_arguments(parser)
    choose = parser.add_argument_group("what is read")
    choose.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out matching paths"
    )
    choose.add_argument("--no-ignore", action="store_true", help="read what git ignores, too")
    choose.add_argument(
        "--max-size", type=size, default=2 << 30, metavar="SIZE", help="leave out larger files (2G)"
    )
    choose.add_argument("--jobs", type=int, default=0, metavar="N", help="worker processes (one per core)")
    add_rule_arguments(parser)
    out = parser.add_argument_group("output")
    out.add_argument(
        "--format", "-f", default="text", metavar="NAME", help=f"one of: {', '.join(sorted(reports.FORMATS))}"
    )
    out.add_argument(
        "--output", "-o", default="-", metavar="FILE", help="write the report here (standard output)"
    )
    out.add_argument("--show-secrets", action="store_true", help="print secrets in full")
    out.add_argument(
        "--min-confidence", choices=tuple(CONFIDENCE_RANK), default="low", help="leave out weaker findings"
    )
    out.add_argument("--exit-zero", action="store_true", help="exit with 0 even if something was found")
    out.add_argument("--quiet", "-q", action="store_true", help="no summary, warnings or progress")
    out.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="color the text report"
    )
    key = os.environ.get("STRONGROOM_FINGERPRINT_KEY_FILE", "")
    out.add_argument("--fingerprint-key", default=key, metavar="FILE", help="key for private fingerprints")


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which detectors are used: shared with `strongroom detectors`."""
    group = parser.add_argument_group("detectors")
    group.add_argument(
        "--detectors", action="append", default=[], metavar="FILE.toml", help="add your own detectors"
    )
    group.add_argument(
        "--rules-url", default="", metavar="URL", help="add a remote rule set; needs --rules-sha256"
    )
    group.add_argument(
        "--rules-sha256", default="", metavar="HEX", help="the digest the remote rule set must have"
    )


def load_rules(args: argparse.Namespace) -> rules.Rules:
    """Return the detectors that the arguments ask for."""
    extra: list[tuple[str, str]] = []
    if args.detectors or args.rules_url:
        from strongroom.scanner import extra_rules  # noqa: PLC0415 (rare, and a hook pays for imports)

        extra = extra_rules.read(args.detectors, args.rules_url, args.rules_sha256)
    return rules.load(extra)


def size(text: str) -> int:
    """Read `10M`, `2G`, `512k` or a number of bytes."""
    number, unit = text.rstrip("kKmMgG"), text[len(text.rstrip("kKmMgG")) :].lower()
    return int(float(number) * _UNITS[unit])


def run(args: argparse.Namespace) -> int:
    """Scan, report, and say by the exit code whether something was found."""
    source, unit = scan_sources.make_source(args)
    style = reports.Style(args.show_secrets, _colored(args))
    options = scan.Options(
        jobs=args.jobs or len(os.sched_getaffinity(0)),
        limits=Limits(max_size=args.max_size),
        key=fingerprint.read_key(args.fingerprint_key) if args.fingerprint_key else fingerprint.PUBLIC_KEY,
        progress=None if args.quiet or not sys.stderr.isatty() else _progress,
    )
    report = scan.scan(source, load_rules(args), options)
    report.unit = unit
    floor = CONFIDENCE_RANK[args.min_confidence]
    report.findings = [f for f in report.findings if CONFIDENCE_RANK[f.confidence] >= floor]
    with _opened(args.output) as stream:
        reports.render(args.format, report, stream, style)
    if not args.quiet:
        _tell(report)
    return FOUND if report.open and not args.exit_zero else CLEAN


@contextmanager
def _opened(path: str) -> Iterator[TextIO]:
    """The report's stream; a file of secrets is the user's own."""
    if path == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        yield stream


def _colored(args: argparse.Namespace) -> bool:
    if args.color != "auto":
        return bool(args.color == "always")
    if "NO_COLOR" in os.environ or args.output != "-":
        return False
    return "FORCE_COLOR" in os.environ or sys.stdout.isatty()


def _progress(blobs: int, size_bytes: int) -> None:
    sys.stderr.write(f"\r\x1b[K{blobs:,} read, {size_bytes / 1e6:,.0f} MB")
    sys.stderr.flush()


def _tell(report: Report) -> None:
    """Write warnings and the one summary line to standard error."""
    write = sys.stderr.write
    if sys.stderr.isatty():
        write("\r\x1b[K")
    for warning in report.warnings[:WARNINGS_SHOWN]:
        write(f"warning: {warning}\n")
    if len(report.warnings) > WARNINGS_SHOWN:
        write(f"warning: and {len(report.warnings) - WARNINGS_SHOWN:,} more\n")
    hidden = len(report.findings) - len(report.open)
    live = sum(f.validity == "live" for f in report.open)
    count = len(report.open)
    write(
        f"{report.blobs:,} {report.unit}, {report.size / 1e6:,.0f} MB, {report.seconds:.1f} s,"
        f" {count:,} secret{'' if count == 1 else 's'}"
        + (f", {live:,} live" if live else "")
        + (f", {hidden:,} suppressed" if hidden else "")
        + (f", {len(report.warnings):,} warnings" if report.warnings else "")
        + "\n"
    )
