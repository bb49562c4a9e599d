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

from strongroom.errors import InvalidRequest
from strongroom.scanner import fingerprint, reports, rules, scan
from strongroom.scanner.finding import CONFIDENCE_RANK
from strongroom.scanner.limits import Limits

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

    from strongroom.scanner.blob import Source
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
    git = parser.add_argument_group("git")
    git.add_argument("--history", action="store_true", help="scan every unique blob of the history")
    git.add_argument("--since", default="", metavar="REV|DATE", help="only history after this")
    git.add_argument("--branch", default="", metavar="NAME", help="only the history of this branch")
    git.add_argument("--unreachable", action="store_true", help="stashes and objects that nothing names, too")
    git.add_argument("--range", action="append", default=[], metavar="A..B", help="what these commits add")
    git.add_argument("--staged", action="store_true", help="what is staged for the next commit")
    image = parser.add_argument_group("container images")
    image.add_argument(
        "--image", default="", metavar="FILE|REF", help="a saved image, OCI layout or reference"
    )
    image.add_argument(
        "--platform", default="linux/amd64", metavar="OS/ARCH", help="which image of an index (linux/amd64)"
    )
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
    source, unit = make_source(args)
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


def make_source(args: argparse.Namespace) -> tuple[Source, str]:
    """Choose what is scanned; returns it with what its blobs are called."""
    modes = [
        args.history or bool(args.since or args.branch or args.unreachable),
        bool(args.range),
        args.staged,
        bool(args.image),
    ]
    if sum(modes) > 1:
        raise InvalidRequest("--history, --range, --staged and --image exclude each other")
    if args.image:
        return _image_source(args), "blobs"
    if any(modes) and len(args.paths) > 1:
        raise InvalidRequest("--history, --range and --staged read one repository: name one PATH")
    path = args.paths[0] if args.paths else "."
    if modes[0] or modes[1]:
        from strongroom.scanner.sources.history import HistorySource  # noqa: PLC0415 (only what is asked for)

        return HistorySource(
            path, branch=args.branch, since=args.since, ranges=args.range, unreachable=args.unreachable
        ), "blobs"
    if modes[2]:
        from strongroom.scanner.sources.staged import StagedSource  # noqa: PLC0415

        return StagedSource(path), "files"
    return _plain_source(args), "files"


def _image_source(args: argparse.Namespace) -> Source:
    if args.paths:
        raise InvalidRequest("--image names what is scanned: leave out PATH")
    from strongroom.scanner.sources.image import ImageSource  # noqa: PLC0415

    return ImageSource(args.image, platform=args.platform)


def _plain_source(args: argparse.Namespace) -> Source:
    if "-" in args.paths:
        if len(args.paths) > 1:
            raise InvalidRequest("standard input (-) is scanned alone")
        from strongroom.scanner.sources.stdin import StreamSource  # noqa: PLC0415

        return StreamSource(sys.stdin.buffer)
    from strongroom.scanner.sources.files import FilesSource  # noqa: PLC0415

    return FilesSource(
        args.paths or ["."], exclude=args.exclude, ignored=args.no_ignore, max_size=args.max_size
    )


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
