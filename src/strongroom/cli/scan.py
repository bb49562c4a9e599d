"""Find secrets in files, folders, standard input and git.

examples:
  strongroom scan .                      the work tree
  strongroom scan src config.yml         some files and folders
  cat build.log | strongroom scan -      standard input
  strongroom scan . --history            every commit of every branch
  strongroom scan --staged               what the next commit would hold
  strongroom scan --image app.tar        a saved image; or alpine:3, r.example/app:1
  strongroom scan . --format sarif -o out.sarif
  strongroom scan . --verify             and ask the providers what still works
  strongroom scan . --server             and find what the vault holds, in any form
  strongroom scan . --report-to-server   and make findings and incidents of it

exit codes: 0 nothing found, 1 something found, 2 wrong usage, 128 unexpected
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from strongroom.cli import scan_options, scan_sources
from strongroom.errors import InvalidRequest
from strongroom.scanner import fingerprint, rules, scan
from strongroom.scanner.finding import CONFIDENCE_RANK
from strongroom.scanner.limits import Limits

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from strongroom.scanner.blob import Source
    from strongroom.scanner.finding import Report
    from strongroom.scanner.verify import Choice

CLEAN, FOUND = 0, 1
WARNINGS_SHOWN = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    about = "files and folders; - is standard input (default: the current folder)"
    parser.add_argument("paths", nargs="*", metavar="PATH", help=about)
    o = scan_options
    o.add(parser, o.sources(), o.detectors(), o.vault(), o.live(), o.suppression(), o.output())


def parse(given: Sequence[str]) -> Any:
    """Read the arguments; the usual ones need no parser."""
    taken = scan_options.plain(given)
    if taken is not None:
        return taken
    from strongroom import cli  # noqa: PLC0415 (only for other arguments)

    return cli.parser("scan").parse_args(given)


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which detectors are used: shared with `strongroom detectors`."""
    scan_options.add(parser, scan_options.detectors())


def load_rules(args: argparse.Namespace) -> rules.Rules:
    """Return the detectors that the arguments ask for."""
    extra: list[tuple[str, str]] = []
    if args.detectors or args.rules_url:
        from strongroom.scanner import extra_rules  # noqa: PLC0415 (rare, and a hook pays for imports)

        extra = extra_rules.read(args.detectors, args.rules_url, args.rules_sha256)
    return rules.load(extra)


def run(args: argparse.Namespace, *, terse: bool = False) -> int:
    """Scan, report, and say by the exit code whether something was found; `terse` is silent when not."""
    if isinstance(args.redact, str):  # `--redact PATH`: the path is no percentage
        args.paths, args.redact = [args.redact, *args.paths], 100
    if args.output != "-" and not os.access(os.path.dirname(args.output) or ".", os.W_OK):  # noqa: PTH120
        raise InvalidRequest(f"{args.output}: its folder is missing or closed to writing")
    report = find(args, *scan_sources.make_source(args))
    silent = terse and not report.open and not report.warnings
    if not silent:
        write(args, report)
    if not args.quiet and not silent:
        tell(report)
    if args.report_to_server:
        from strongroom.cli import scan_report  # noqa: PLC0415 (a client, for this only)

        scan_report.report(args, report)
    if report.open:
        from strongroom.scanner.suppress import last_found  # noqa: PLC0415 (only where something was found)

        last_found.remember(report, os.getcwd())  # noqa: PTH109
    return FOUND if report.open and not args.exit_zero else CLEAN


def find(args: argparse.Namespace, source: Source, unit: str) -> Report:
    """Scan `source` and leave out what does not count."""
    choice = _consent(args)
    progress = None
    if not args.quiet and sys.stderr.isatty():
        from strongroom.cli.progress import Progress  # noqa: PLC0415 (on a terminal only)

        progress = Progress(source, sys.stderr)
    key_file = scan_options.fingerprint_key(args)
    key = fingerprint.read_key(key_file) if key_file else fingerprint.PUBLIC_KEY
    options = scan.Options(
        jobs=args.jobs or len(os.sched_getaffinity(0)),
        limits=Limits(max_size=args.max_size),
        key=key,
        progress=progress,
    )
    report = _scanned(args, source, options)
    if progress:
        progress.clear()
    report.unit = unit
    floor = CONFIDENCE_RANK[args.min_confidence]
    around = report.findings
    report.findings = [f for f in around if CONFIDENCE_RANK[f.confidence] >= floor]
    if choice and report.findings:
        from strongroom.cli import live  # noqa: PLC0415 (only for live checks)

        live.check(args, choice, report, around)
    if report.findings and not args.no_suppression:
        from strongroom.scanner import suppress  # noqa: PLC0415 (only where something was found)

        rest = suppress.gather(args.paths, args.ignore_file, args.baseline, key, inline=not args.no_inline)
        suppress.apply(report, rest, time.strftime("%Y-%m-%d"))
    return report


def _consent(args: argparse.Namespace) -> Choice | None:
    """Which live checks are asked for, before anything is read: a mistake is told at once."""
    if not (args.verify or args.verify_only):
        return None
    from strongroom.cli import live  # noqa: PLC0415 (only for live checks)

    return live.choose(args, load_rules(args).detectors())


def _scanned(args: argparse.Namespace, source: Source, options: scan.Options) -> Report:
    """Scan with the detectors, and with `--server` for the vault's values."""
    if not (args.server or args.report_to_server):
        return scan.scan(source, load_rules(args), options)
    from strongroom.cli import scan_server  # noqa: PLC0415 (numpy and a client, for this only)

    report = scan.scan(source, scan_server.finder(args, load_rules(args)), options)
    scan_server.settle(report)
    return report


def write(args: argparse.Namespace, report: Report) -> None:
    """Write the report where the arguments ask for it."""
    from strongroom.scanner import reports  # noqa: PLC0415 (not for a hook with nothing to say)

    style = reports.Style(
        args.show_secrets,
        _colored(args),
        args.redact,
        scan_sources.root(args.paths) if args.format != "text" else "",
        time.time(),
        args.category,
    )
    with opened(args.output) as stream:
        reports.render(args.format, report, stream, style)


@contextmanager
def opened(path: str) -> Iterator[TextIO]:
    """The report's stream; a file of secrets is the user's own."""
    if path == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
        yield stream


def _colored(args: argparse.Namespace) -> bool:
    if args.color != "auto":
        return bool(args.color == "always")
    if "NO_COLOR" in os.environ or args.output != "-":
        return False
    return "FORCE_COLOR" in os.environ or sys.stdout.isatty()


def tell(report: Report) -> None:
    """Write warnings and the one summary line to standard error."""
    from strongroom.scanner.reports.records import visible  # noqa: PLC0415 (a clean hook tells nothing)

    write = sys.stderr.write
    for warning in report.warnings[:WARNINGS_SHOWN]:
        write(f"warning: {visible(warning)}\n")
    if len(report.warnings) > WARNINGS_SHOWN:
        write(f"warning: and {len(report.warnings) - WARNINGS_SHOWN:,} more\n")
    hidden = len(report.findings) - len(report.open)
    live = sum(f.validity == "live" for f in report.open)
    count, warned = len(report.open), len(report.warnings)
    unit = report.unit.removesuffix("s") if report.blobs == 1 else report.unit
    write(
        f"{report.blobs:,} {unit}, {report.size / 1e6:,.0f} MB, {report.seconds:.1f} s,"
        f" {count:,} secret{'' if count == 1 else 's'}"
        + (f", {live:,} live" if live else "")
        + (f", {hidden:,} suppressed" if hidden else "")
        + (f", {warned:,} warning{'' if warned == 1 else 's'}" if report.warnings else "")
        + "\n"
    )
