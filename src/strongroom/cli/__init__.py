"""The command line: `strongroom COMMAND …`.

A command is a module with `configure(parser)`, and with `run(args) -> int` or, where it
asks a server, functions of a `Session` (`parsing.part`). Only the module of the command
that is asked for is imported. Hooks pay for every import, so nothing heavy stands here.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

VERSION = "0.1.0"

COMMANDS = {
    "adopt": "strongroom.cli.adopt",
    "audit": "strongroom.cli.audit",
    "auth": "strongroom.cli.auth",
    "baseline": "strongroom.cli.baseline",
    "completion": "strongroom.cli.completion",
    "delete": "strongroom.cli.paths.delete",
    "demo": "strongroom.cli.demo",
    "detectors": "strongroom.cli.detectors",
    "doctor": "strongroom.cli.doctor",
    "evidence": "strongroom.cli.evidence",
    "finding": "strongroom.cli.finding",
    "gitleaks": "strongroom.cli.gitleaks",
    "hook": "strongroom.cli.hook",
    "ignore": "strongroom.cli.ignore",
    "incident": "strongroom.cli.incident",
    "inject": "strongroom.cli.inject",
    "install": "strongroom.cli.install",
    "inventory": "strongroom.cli.inventory",
    "job": "strongroom.cli.job",
    "kv": "strongroom.cli.kv",
    "lease": "strongroom.cli.lease",
    "list": "strongroom.cli.paths.list",
    "login": "strongroom.cli.login",
    "migrate": "strongroom.cli.migrate",
    "namespace": "strongroom.cli.namespace",
    "operator": "strongroom.cli.operator",
    "path-help": "strongroom.cli.path_help",
    "policy": "strongroom.cli.policy",
    "read": "strongroom.cli.paths.read",
    "revoke": "strongroom.cli.revoke",
    "rotate": "strongroom.cli.rotate",
    "rotation": "strongroom.cli.rotation",
    "run": "strongroom.cli.run",
    "scan": "strongroom.cli.scan",
    "secrets": "strongroom.cli.secrets",
    "server": "strongroom.cli.server",
    "status": "strongroom.cli.status",
    "token": "strongroom.cli.token",
    "uninstall": "strongroom.cli.uninstall",
    "unwrap": "strongroom.cli.unwrap",
    "watch": "strongroom.cli.watch",
    "whoami": "strongroom.cli.whoami",
    "wrap": "strongroom.cli.wrap",
    "write": "strongroom.cli.paths.write",
}

GROUPS = {
    "secrets": (
        "kv",
        "read",
        "write",
        "list",
        "delete",
        "wrap",
        "unwrap",
        "lease",
        "inventory",
        "rotate",
        "rotation",
        "adopt",
        "run",
        "inject",
    ),
    "access": ("login", "whoami", "token", "policy", "auth", "secrets", "namespace"),
    "leaks": (
        "scan",
        "finding",
        "incident",
        "evidence",
        "watch",
        "revoke",
        "ignore",
        "baseline",
        "detectors",
        "install",
        "uninstall",
        "hook",
        "gitleaks",
    ),
    "server": ("server", "demo", "status", "operator", "audit", "job", "migrate", "doctor"),
}

SCANS = ("scan", "hook", "gitleaks")
RARELY = (100_000, 50, 100)  # a scan makes few cycles, and the collector would walk all it remembers

USAGE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 2 for wrong usage, 128 for what nobody expected."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _answer(given)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader has gone: nothing more to say
        return 0
    if arguments is None:
        gc.freeze()  # the process ends: what it holds need not be walked once more for cycles
    return code


def _answer(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        _print_commands()
        return 0 if given else USAGE
    if given[0] in ("-V", "--version"):
        version = f'{{"version": "{VERSION}"}}' if "--json" in given else f"strongroom {VERSION}"
        sys.stdout.write(f"{version}\n")
        return 0
    if given[0] == "__complete":
        return int(import_module("strongroom.cli.complete").run(given[1:]))
    if given[0] not in COMMANDS:
        return _refuse_name(given[0])
    usual = gc.get_threshold()
    if given[0] in SCANS:
        gc.set_threshold(*RARELY)
    try:
        return _run(given[0], given[1:])
    finally:
        gc.set_threshold(*usual)


def parser(name: str) -> argparse.ArgumentParser:
    """Build the parser of one command."""
    from strongroom.cli import parsing  # noqa: PLC0415 (not needed for --version)

    module = import_module(COMMANDS[name])
    summary, _, rest = (module.__doc__ or "").partition("\n")
    made = parsing.Parser(prog=f"strongroom {name}", description=summary, epilog=rest.strip() or None)
    module.configure(made)
    return made


def _run(name: str, given: list[str]) -> int:
    try:
        module = import_module(COMMANDS[name])
        if hasattr(module, "parse"):  # a git hook pays for no parser
            return int(module.run(module.parse(given)))
        args = parser(name).parse_args(given)
        if "do" not in args:
            return int(module.run(args))
        from strongroom.cli.session import Session  # noqa: PLC0415 (for a server's client only)

        return Session(args).run()
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    except Exception as error:
        from strongroom.cli import errors  # noqa: PLC0415 (for a failure only)

        if "STRONGROOM_DEBUG" in os.environ:
            raise
        sys.stderr.write(f"strongroom: {errors.message(error)}\n")
        return errors.exit_code(error)


def _print_commands() -> None:
    lines = ["usage: strongroom COMMAND …"]
    grouped = {name for names in GROUPS.values() for name in names}
    for title, names in {**GROUPS, "more": sorted(set(COMMANDS) - grouped)}.items():
        lines += ["", f"{title}:"]
        for name in names:
            summary = (import_module(COMMANDS[name]).__doc__ or "").partition("\n")[0]
            lines.append(f"  {name:<12} {summary}")
    lines += ["", "strongroom COMMAND --help tells more. `sr` is short for `strongroom`."]
    sys.stdout.write("\n".join(lines) + "\n")


def _refuse_name(name: str) -> int:
    from strongroom.cli import errors  # noqa: PLC0415 (for a mistake only)

    hint = errors.near(name, list(COMMANDS), "strongroom --help lists the commands")
    if name.startswith("-"):
        hint = "Options stand behind the command: strongroom status --json"
    sys.stderr.write(f"strongroom: unknown command `{name}`\n  {hint}\n")
    return USAGE
