"""Run as gitleaks does: its commands, flags, configuration, reports and exit codes.

examples:
  strongroom gitleaks git . -f sarif -r out.sarif
  strongroom gitleaks dir . -c .gitleaks.toml --redact
  cat x | strongroom gitleaks stdin
  strongroom gitleaks detect --source . --baseline-path old.json
  strongroom gitleaks protect --staged

exit codes: 0 nothing found, 1 leaks (--exit-code) or an error, unknown commands too, 126 unknown flag
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from strongroom.cli import errors, gitleaks_source
from strongroom.errors import StrongroomError
from strongroom.scanner import scan
from strongroom.scanner.compat import gitleaks_config, gitleaks_engine, gitleaks_leaks, gitleaks_reports
from strongroom.scanner.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.scanner.compat.gitleaks_config import Config
    from strongroom.scanner.compat.gitleaks_leaks import Leak
    from strongroom.scanner.finding import Report
    from strongroom.scanner.matcher import Matcher

CLEAN, ERROR, UNKNOWN_FLAG = 0, 1, 126
COMMANDS = ("git", "dir", "directory", "file", "files", "stdin", "detect", "protect", "version")
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
SHORT = {"info": "INF", "warn": "WRN"}
_FORMS = {".json": "json", ".csv": "csv", ".xml": "junit", ".sarif": "sarif"}


class _Parser(argparse.ArgumentParser):
    """A parser that leaves as gitleaks does."""

    def error(self, message: str) -> NoReturn:
        self.exit(UNKNOWN_FLAG, f"Error: {message}\n{self.format_usage()}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare gitleaks' flags, which may stand anywhere."""
    add = parser.add_argument
    add("command", nargs="?", default="", help=f"what is scanned: {', '.join(COMMANDS)}")
    add("target", nargs="?", default="", help="repository, file or folder (.)")
    for names, about in _TEXTS.items():
        add(*names.split(), default="", metavar="VALUE", help=about)
    for names, about in _NUMBERS.items():
        add(*names.split(), type=int, default=0, metavar="N", help=about)
    add("--exit-code", type=int, default=1, metavar="N", help="when leaks are found (1)")
    add("--redact", nargs="?", type=int, const=100, default=0, metavar="PERCENT", help="hide secrets")
    add("--enable-rule", action="append", default=[], metavar="ID", help="only these rules")
    for names, about in _SWITCHES.items():
        add(*names.split(), action="store_true", help=about)


_TEXTS = {
    "-c --config": "rules, as TOML",
    "-r --report-path": "report file; - is standard output",
    "-f --report-format": "json, csv, junit, sarif or template",
    "--report-template": "a Go template",
    "-b --baseline-path": "an earlier JSON report: what is in it does not count",
    "-l --log-level": "trace, debug, info, warn, error or fatal",
    "-i --gitleaks-ignore-path": ".gitleaksignore or the folder it is in",
    "-s --source": "detect and protect: what is scanned",
    "--log-opts": "options of git log: a range, --all, --since",
    "--platform": "whose links a report has: github, gitlab, bitbucket, azuredevops, gitea",
    "--diagnostics": "taken and not used",
    "--diagnostics-dir": "taken and not used",
}
_NUMBERS = {
    "--max-target-megabytes": "leave out larger files",
    "--max-decode-depth": "taken; encoded secrets are always looked into",
    "--max-archive-depth": "look into archives so deep",
    "--timeout": "seconds until it gives up",
}
_SWITCHES = {
    "-v --verbose": "print each finding",
    "--no-banner": "taken; there is none",
    "--no-color": "taken; there is none",
    "--ignore-gitleaks-allow": "gitleaks:allow does not hold",
    "--follow-symlinks": "taken; links are not followed",
    "--staged": "what is staged",
    "--pre-commit": "what is changed and not staged",
    "--no-git": "detect: a folder, not a repository",
    "--pipe": "detect: standard input",
}


def parse(given: Sequence[str]) -> argparse.Namespace:
    """Read the arguments as gitleaks does: a bare `--redact` takes no value."""
    parser = _Parser(
        prog="strongroom gitleaks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    configure(parser)
    args = parser.parse_intermixed_args(["--redact=100" if word == "--redact" else word for word in given])
    if not args.command:
        parser.print_help()
        parser.exit(CLEAN)
    if args.command not in COMMANDS:
        parser.exit(ERROR, f'Error: unknown command "{args.command}"\n{parser.format_usage()}')
    return args


def run(args: argparse.Namespace) -> int:
    """Scan, report, and answer with gitleaks' exit codes."""
    if args.command == "version":
        sys.stdout.write("8.30.1\n")
        return CLEAN
    started = time.monotonic()
    try:
        if args.timeout:
            signal.signal(signal.SIGALRM, _give_up)
            signal.alarm(args.timeout)
        found, report = _leaks(args)
        _write(args, found)
    except StrongroomError as error:
        sys.stderr.write(f"ERR {errors.message(error)}\n")
        return ERROR
    finally:
        signal.alarm(0)
    _log(args, "info", f"scanned ~{report.size} bytes in {time.monotonic() - started:.2f}s")
    for warning in report.warnings:
        _log(args, "warn", warning)
    _log(args, "warn" if found else "info", f"leaks found: {len(found)}" if found else "no leaks found")
    return args.exit_code if found else CLEAN


def _give_up(*_: Any) -> NoReturn:
    raise errors.Failure(ERROR, "the time given by --timeout is over")


def _leaks(args: argparse.Namespace) -> tuple[list[Leak], Report]:
    target = args.source or args.target or "."
    folder = target if Path(target).is_dir() else str(Path(target).parent)
    config = gitleaks_config.find(args.config, folder)
    source = gitleaks_source.make(args, target)
    limits = Limits(max_depth=args.max_archive_depth)
    jobs = len(os.sched_getaffinity(0))
    engine = gitleaks_engine.Engine(config, _builtin(config))
    report = scan.scan(source, engine, scan.Options(jobs=jobs, limits=limits))
    choice = gitleaks_leaks.Choice(
        not args.ignore_gitleaks_allow,
        frozenset(args.enable_rule),
        gitleaks_leaks.ignored([args.gitleaks_ignore_path or ".", folder]),
        gitleaks_leaks.baseline(args.baseline_path) if args.baseline_path else (),
    )
    own = {config.path, args.baseline_path} - {""}  # gitleaks does not report what stands in them either
    found = [leak for leak in gitleaks_leaks.leaks(report, config, choice) if leak["File"] not in own]
    return gitleaks_source.linked(found, target, args.platform), report


def _builtin(config: Config) -> Matcher | None:
    if not config.builtin:
        return None
    from strongroom.scanner import rules  # noqa: PLC0415 (only where a configuration extends them)
    from strongroom.scanner.matcher import Matcher  # noqa: PLC0415

    loaded = rules.load()
    return Matcher(loaded, loaded.engine())


def _write(args: argparse.Namespace, found: list[Leak]) -> None:
    shown = [gitleaks_leaks.redact(leak, args.redact) for leak in found]
    if args.verbose and args.report_path != "-":
        sys.stdout.write("\n".join(map(gitleaks_reports.told, shown)) + "\n" * bool(shown))
    if not args.report_path:
        return
    template = Path(args.report_template).read_text("utf-8") if args.report_template else ""
    form = args.report_format or (
        "template" if template else _FORMS.get(Path(args.report_path).suffix, "json")
    )
    if args.report_path == "-":
        gitleaks_reports.write(form, shown, sys.stdout, template)
        return
    from strongroom.cli.scan import opened  # noqa: PLC0415

    with opened(args.report_path) as stream:
        gitleaks_reports.write(form, shown, stream, template)


def _log(args: argparse.Namespace, level: str, text: str) -> None:
    wanted = args.log_level if args.log_level in LEVELS else "info"
    if LEVELS.index(level) >= LEVELS.index(wanted):
        sys.stderr.write(f"{time.strftime('%I:%M%p').lstrip('0')} {SHORT[level]} {text}\n")
