"""`strongroom __complete WORDS`: what may come next, one a line. The completion scripts call it.

WORDS are the words after the program's name, one a line, the last one unfinished. Paths come
from the server within a budget; names (never values) are kept for a few seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom import cli
from strongroom.cli.client import Refused
from strongroom.cli.errors import OK, Failure
from strongroom.cli.session import Session
from strongroom.errors import StrongroomError

if TYPE_CHECKING:
    from strongroom.cli.parsing import Parser

BUDGET_SECONDS = 0.3
CACHE_SECONDS = 15.0
PATH_COMMANDS = frozenset({"kv", "read", "write", "list", "delete", "path-help"})
PATHS = frozenset({"PATH", "FROM", "TO"})


def run(given: list[str]) -> int:
    """Print the candidates; on any trouble there are none, and nothing is said."""
    words = given[0].split("\n") if given else [""]
    try:
        found = candidates(words)
    except (StrongroomError, Refused, OSError, SystemExit):
        found = []
    sys.stdout.write("".join(f"{text}\n" for text in found))
    return OK


def candidates(words: list[str]) -> list[str]:
    """What the last word may become."""
    *before, current = words
    if not before:
        return _starting([*cli.COMMANDS], current)
    if before[0] not in cli.COMMANDS:
        return []
    parser, rest = _innermost(cli.parser(before[0]), before[1:])
    parser.settle()
    option = parser._option_string_actions.get(rest[-1]) if rest else None
    if option is not None and option.nargs is None:
        return _starting([str(choice) for choice in option.choices or ()], current)
    parts = _parts(parser)
    if parts:
        return _starting(parts, current)
    if current.startswith("-"):
        return _starting([name for name in parser._option_string_actions if name.startswith("--")], current)
    return _places(parser, before[0], rest, current)


def _innermost(parser: Any, words: list[str]) -> tuple[Parser, list[str]]:
    """The parser of the subcommand that the words lead to, and the words after it."""
    while (parts := _parts(parser)) and words:
        name = next((word for word in words if word in parts), None)
        if name is None:
            break
        parser, words = parts[name], words[words.index(name) + 1 :]
    return parser, words


def _parts(parser: Any) -> dict[str, Any]:
    return next((dict(a.choices) for a in parser._actions if isinstance(a, argparse._SubParsersAction)), {})


def _places(parser: Parser, command: str, rest: list[str], current: str) -> list[str]:
    """Paths on the server, or the fixed words of a positional argument."""
    positional = [action for action in parser._actions if not action.option_strings]
    given = len(parser.split(rest)[1])
    at = positional[min(given, len(positional) - 1)] if positional else None
    if at is None:
        return []
    if at.choices:
        return _starting([str(choice) for choice in at.choices], current)
    if at.metavar not in PATHS or (given and at.nargs is None):
        return []
    return _starting(_paths(parser, command, rest, current), current)


def _paths(parser: Parser, command: str, rest: list[str], current: str) -> list[str]:
    options = parser.split(rest)[0]
    args = argparse.ArgumentParser(add_help=False)
    for name in ("address", "namespace", "ca-cert", "client-cert", "client-key"):
        args.add_argument(f"--{name}")
    known, _ = args.parse_known_args(options)
    blank = dict.fromkeys(("field", "format", "reason", "tls_server_name", "skip_verify"))
    session = Session(
        argparse.Namespace(
            **{
                **blank,
                **vars(known),
                "show_secrets": False,
                "color": "never",
                "timeout": str(BUDGET_SECONDS),
                "retries": "0",
            }
        )
    )
    folder = current.rpartition("/")[0]
    return _cached(session, command, folder, lambda: _asked(session, command, folder))


def _asked(session: Session, command: str, folder: str) -> list[str]:
    """Names below a folder: mounts at the top, else the engine's listing."""
    deadline = time.monotonic() + BUDGET_SECONDS
    # Looking up a name has no time limit of its own: when it hangs, the alarm ends this process.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 2 * BUDGET_SECONDS)
    mounts = session.data(session.client.request("GET", "sys/internal/ui/mounts")).get("secret", {})
    if command not in PATH_COMMANDS or not folder:
        return [name for name, mount in mounts.items() if command != "kv" or mount["type"] == "kv"]
    mount = next(
        (name for name in sorted(mounts, key=len, reverse=True) if f"{folder}/".startswith(name)), ""
    )
    inner = f"{folder}/"[len(mount) :]
    versioned = (mounts.get(mount, {}).get("options") or {}).get("version") == "2"
    path = f"{mount}metadata/{inner}" if command == "kv" and versioned else f"{folder}/"
    session.client.allow(max(deadline - time.monotonic(), 0.001))
    found = session.data(session.client.request("LIST", path)).get("keys") or []
    return [f"{folder}/{key}" for key in found]


def _cached(session: Session, command: str, folder: str, ask: Any) -> list[str]:
    """The names from a moment ago, or asked now and kept in a file of the user's own."""
    token = session.found_token.token.reveal() if session.found_token else ""
    about = "\0".join(
        (session.settings["address"].value, session.settings["namespace"].value, token, command, folder)
    )
    base = os.environ.get("XDG_CACHE_HOME") or str(session.place.home / ".cache")
    path = Path(base) / "strongroom" / "paths" / hashlib.sha256(about.encode()).hexdigest()
    try:
        if time.time() - path.stat().st_mtime < CACHE_SECONDS:
            return [str(name) for name in json.loads(path.read_text())]
    except (OSError, ValueError):
        pass
    found: list[str] = ask()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in path.parent.iterdir():
        if time.time() - old.stat().st_mtime > CACHE_SECONDS:
            old.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(found, file)
    return found


def _starting(known: Any, current: str) -> list[str]:
    return sorted(name for name in known if name.startswith(current) and name != current)


__all__ = ["Failure", "candidates", "run"]
