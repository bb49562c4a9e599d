"""The options of `strongroom scan`, as a table: group, spelling, and what argparse is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest
from strongroom.scanner.finding import CONFIDENCE_RANK
from strongroom.scanner.reports import FORMATS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

Option = tuple[tuple[str, ...], dict[str, Any]]


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
    return (name,), {"action": "append", "default": [], "metavar": metavar, "help": help}


def _text(name: str, metavar: str, help: str, default: str = "", *short: str) -> Option:
    return (name, *short), {"default": default, "metavar": metavar, "help": help}


SOURCES: dict[str, tuple[Option, ...]] = {
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
        _text("--platform", "OS/ARCH", "which image of an index (linux/amd64)", "linux/amd64"),
    ),
    "what is read": (
        _list("--exclude", "GLOB", "leave out matching paths"),
        _flag("--no-ignore", help="read what git ignores, too"),
        (
            ("--max-size",),
            {"type": size, "default": 2 << 30, "metavar": "SIZE", "help": "leave out larger files (2G)"},
        ),
        (("--jobs",), {"type": int, "default": 0, "metavar": "N", "help": "worker processes (one per core)"}),
    ),
}

RULES: dict[str, tuple[Option, ...]] = {
    "detectors": (
        _list("--detectors", "FILE.toml", "add your own detectors"),
        _text("--rules-url", "URL", "add a remote rule set; needs --rules-sha256"),
        _text("--rules-sha256", "HEX", "the digest the remote rule set must have"),
    ),
}

CALLS: tuple[Option, ...] = (
    _list("--verify-host", "TYPE=HOST", "ask this host of yours for this type or provider"),
    _text("--verify-proxy", "URL", "http://host:port (HTTPS_PROXY is honoured, too)"),
    (
        ("--verify-timeout",),
        {"type": float, "default": 10.0, "metavar": "SECONDS", "help": "for one answer (10)"},
    ),
)

LIVE: dict[str, tuple[Option, ...]] = {
    "live checks (off; they send what was found to its provider)": (
        _flag("--verify", help="ask whether it still works: live, dead, unknown or canary"),
        _list("--verify-only", "TYPE", "only these: aws.secret_access_key, github, 'gitlab.*'"),
        _list("--verify-except", "TYPE", "all but these"),
        _flag("--no-verify-cache", help="ask again what was answered lately"),
        *CALLS,
    ),
}

SUPPRESSION: dict[str, tuple[Option, ...]] = {
    "what does not count": (
        _list("--baseline", "FILE", "known findings: ours, or detect-secrets' or gitleaks' file"),
        _text("--ignore-file", "FILE", "reviewed exceptions (.strongroom-ignore.toml above PATH)"),
        _flag("--no-inline", help="do not heed comments like strongroom:allow"),
        _flag("--no-suppression", help="count everything: no inline marker, ignore file or baseline"),
        (
            ("--min-confidence",),
            {"choices": tuple(CONFIDENCE_RANK), "default": "low", "help": "leave out weaker findings"},
        ),
    ),
}

OUTPUT: dict[str, tuple[Option, ...]] = {
    "output": (
        _text("--format", "NAME", f"one of: {', '.join(sorted(FORMATS))}", "text", "-f"),
        _text("--output", "FILE", "write the report here (standard output)", "-", "-o"),
        _flag("--show-secrets", help="print secrets in full"),
        (
            ("--redact",),
            {
                "nargs": "?",
                "const": 100,
                "default": -1,
                "type": percent,
                "metavar": "PERCENT",
                "help": "hide so much of each secret: --redact=80; alone, all of it",
            },
        ),
        _text("--category", "NAME", "tells SARIF reports of one commit apart"),
        _flag("--exit-zero", help="exit with 0 even if something was found"),
        _flag("--quiet", "-q", help="no summary, warnings or progress"),
        (
            ("--color",),
            {"choices": ("auto", "always", "never"), "default": "auto", "help": "color the text report"},
        ),
        _text("--fingerprint-key", "FILE", "key for private fingerprints"),
    ),
}


def add(parser: argparse.ArgumentParser, *tables: dict[str, tuple[Option, ...]]) -> None:
    """Declare the options of `tables`, group by group."""
    for table in tables:
        for title, options in table.items():
            group = parser.add_argument_group(title)
            for names, about in options:
                group.add_argument(*names, **about)


def defaults(**given: object) -> dict[str, Any]:
    """What the options are when nothing is said, with `given` over it: for hooks, which parse nothing."""
    found: dict[str, Any] = {"paths": []}
    for names, about in _all():
        name = names[0].removeprefix("--").replace("-", "_")
        value = about.get("default", False)
        found[name] = list(value) if isinstance(value, list) else value
    if unknown := set(given) - set(found):
        raise InvalidRequest(f"unknown option: {', '.join(sorted(unknown))}")
    return found | given


def fingerprint_key(args: argparse.Namespace) -> str:
    """The key file that is asked for, "" for the public key."""
    return str(args.fingerprint_key or os.environ.get("STRONGROOM_FINGERPRINT_KEY_FILE", ""))


def _all() -> Iterable[Option]:
    for table in (SOURCES, RULES, LIVE, SUPPRESSION, OUTPUT):
        for options in table.values():
            yield from options
