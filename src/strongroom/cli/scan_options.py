"""The options of `strongroom scan` as tables: a group's options with what argparse is told.

A hook takes DEFAULTS, or what `plain` reads, and no table is built.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

Option = tuple[tuple[str, ...], dict[str, Any]]
Table = dict[str, tuple[Option, ...]]

DEFAULTS: dict[str, Any] = {
    "paths": [],
    "history": False,
    "since": "",
    "branch": "",
    "unreachable": False,
    "range": [],
    "staged": False,
    "image": "",
    "platform": "linux/amd64",
    "exclude": [],
    "no_ignore": False,
    "max_size": 2 << 30,
    "jobs": 0,
    "detectors": [],
    "rules_url": "",
    "rules_sha256": "",
    "server": False,
    "address": "",
    "report_to_server": False,
    "source": "",
    "public": False,
    "verify": False,
    "verify_only": [],
    "verify_except": [],
    "no_verify_cache": False,
    "verify_host": [],
    "verify_proxy": "",
    "verify_timeout": 10.0,
    "baseline": [],
    "ignore_file": "",
    "no_inline": False,
    "no_suppression": False,
    "min_confidence": "low",
    "format": "text",
    "output": "-",
    "show_secrets": False,
    "redact": -1,
    "category": "",
    "exit_zero": False,
    "quiet": False,
    "color": "auto",
    "fingerprint_key": "",
}


def size(text: str) -> int:
    """Read `10M`, `2G`, `512k` or a number of bytes."""
    number, unit = text.rstrip("kKmMgG"), text[len(text.rstrip("kKmMgG")) :].lower()
    return int(float(number) * _UNITS[unit])


def percent(text: str) -> int | str:
    """Read 0 to 100; a word that is no number is the PATH that followed a bare `--redact`."""
    if not text.lstrip("-").isdigit():
        return text
    if not 0 <= int(text) <= 100:
        raise ValueError
    return int(text)


def _flag(*names: str, help: str) -> Option:
    return names, {"action": "store_true", "help": help}


def _list(name: str, metavar: str, help: str) -> Option:
    return (name,), {"action": "append", "metavar": metavar, "help": help}


def _text(name: str, metavar: str, help: str, *short: str, **more: Any) -> Option:
    return (name, *short), {"metavar": metavar, "help": help, **more}


def sources() -> Table:
    """What is scanned."""
    return {
        "git": (
            _flag("--history", help="scan every unique blob of the history"),
            _text("--since", "REV|DATE", "only history after this"),
            _text("--branch", "NAME", "only the history of this branch"),
            _flag("--unreachable", help="stashes and objects that nothing names, too"),
            _list("--range", "A..B", "what these commits add"),
            _flag("--staged", help="what is staged for the next commit"),
        ),
        "container images": (
            _text("--image", "FILE|REF", "a saved image, OCI layout or reference"),
            _text("--platform", "OS/ARCH", "which image of an index (linux/amd64)"),
        ),
        "what is read": (
            _list("--exclude", "GLOB", "leave out matching paths"),
            _flag("--no-ignore", help="read what git ignores, too"),
            _text("--max-size", "SIZE", "leave out larger files (2G)", type=size),
            _text("--jobs", "N", "worker processes (one per core)", type=int),
        ),
    }


def detectors() -> Table:
    """Which detectors look."""
    return {
        "detectors": (
            _list("--detectors", "FILE.toml", "add your own detectors"),
            _text("--rules-url", "URL", "add a remote rule set; needs --rules-sha256"),
            _text("--rules-sha256", "HEX", "the digest the remote rule set must have"),
        ),
    }


def vault() -> Table:
    """Whether a vault's values are sought."""
    return {
        "vault": (
            _flag("--server", help="find values that the vault holds; it does not learn what is scanned"),
            _text("--address", "URL", "the server (STRONGROOM_ADDR)"),
            _flag("--report-to-server", help="--server, and report what was found: no secrets, no excerpts"),
            _text("--source", "NAME", "what is scanned, named the same each time (the repository's remote)"),
            _flag("--public", help="the public can see what is scanned"),
        ),
    }


def calls() -> tuple[Option, ...]:
    """How a provider is asked: shared with `strongroom revoke`."""
    return (
        _list("--verify-host", "TYPE=HOST", "ask this host of yours for this type or provider"),
        _text("--verify-proxy", "URL", "http://host:port (HTTPS_PROXY is honoured, too)"),
        _text("--verify-timeout", "SECONDS", "for one answer (10)", type=float),
    )


def live() -> Table:
    """Whether providers are asked about what was found."""
    return {
        "live checks (off; they send what was found to its provider)": (
            _flag("--verify", help="ask whether it still works: live, dead, unknown or canary"),
            _list("--verify-only", "TYPE", "only these: aws.secret_access_key, github, 'gitlab.*'"),
            _list("--verify-except", "TYPE", "all but these"),
            _flag("--no-verify-cache", help="ask again what was answered lately"),
            *calls(),
        ),
    }


def suppression() -> Table:
    """What does not count."""
    from strongroom.scanner.finding import CONFIDENCE_RANK  # noqa: PLC0415 (for a parser only)

    return {
        "what does not count": (
            _list("--baseline", "FILE", "known findings: ours, or detect-secrets' or gitleaks' file"),
            _text("--ignore-file", "FILE", "reviewed exceptions (.strongroom-ignore.toml above PATH)"),
            _flag("--no-inline", help="do not heed comments like strongroom:allow"),
            _flag("--no-suppression", help="count everything: no inline marker, ignore file or baseline"),
            (
                ("--min-confidence",),
                {"choices": tuple(CONFIDENCE_RANK), "help": "leave out weaker findings"},
            ),
        ),
    }


def output() -> Table:
    """How and where it is told."""
    from strongroom.scanner.reports import FORMATS  # noqa: PLC0415 (for a parser only)

    redact = {"nargs": "?", "const": 100, "type": percent}
    return {
        "output": (
            _text("--format", "NAME", f"one of: {', '.join(sorted(FORMATS))}", "-f"),
            _text("--output", "FILE", "write the report here (standard output)", "-o"),
            _flag("--show-secrets", help="print secrets in full"),
            _text(
                "--redact", "PERCENT", "hide so much of each secret: --redact=80; alone, all of it", **redact
            ),
            _text("--category", "NAME", "tells SARIF reports of one commit apart"),
            _flag("--exit-zero", help="exit with 0 even if something was found"),
            _flag("--quiet", "-q", help="no summary, warnings or progress"),
            (("--color",), {"choices": ("auto", "always", "never"), "help": "color the text report"}),
            _text("--fingerprint-key", "FILE", "key for private fingerprints"),
        ),
    }


def add(parser: argparse.ArgumentParser, *tables: Table) -> None:
    """Declare the options of `tables`, group by group."""
    for table in tables:
        for title, options in table.items():
            group = parser.add_argument_group(title)
            for names, about in options:
                name = names[0].removeprefix("--").replace("-", "_")
                group.add_argument(*names, default=DEFAULTS[name], **about)


def defaults(**given: object) -> dict[str, Any]:
    """What the options are when nothing is said, with `given` over it."""
    if unknown := set(given) - set(DEFAULTS):
        raise InvalidRequest(f"unknown option: {', '.join(sorted(unknown))}")
    fresh = {key: list(value) if isinstance(value, list) else value for key, value in DEFAULTS.items()}
    return fresh | given


_SHORT = {"-o": "--output", "-f": "--format", "-q": "--quiet"}
_CHECKED = frozenset({"paths", "max_size", "jobs", "redact", "verify_timeout", "min_confidence", "color"})


def plain(given: Sequence[str]) -> SimpleNamespace | None:
    """Read the usual arguments of a scan, which saves a hook the parser; None for others, or a mistake."""
    taken = defaults()
    words = iter(given)
    for word in words:
        if not word.startswith("-") or word == "-":
            taken["paths"].append(word)
            continue
        long, equals, value = _SHORT.get(word, word).partition("=")
        name = long.removeprefix("--").replace("-", "_")
        before = None if name in _CHECKED or "_" in long else taken.get(name)
        if isinstance(before, bool) and not equals:
            taken[name] = True
        elif isinstance(before, (str, list)):
            value = value if equals else next(words, "")
            if not value or value.startswith("-"):
                return None
            taken[name] = [*before, value] if isinstance(before, list) else value
        else:
            return None
    return SimpleNamespace(**taken)


def fingerprint_key(args: argparse.Namespace) -> str:
    """The key file that is asked for, "" for the public key."""
    return str(args.fingerprint_key or os.environ.get("STRONGROOM_FINGERPRINT_KEY_FILE", ""))
