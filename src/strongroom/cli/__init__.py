"""The command line: `strongroom COMMAND …`.

A command is a module with `configure(parser)` and `run(args) -> int`; only the
module of the command that is asked for is imported. Hooks pay for every
import, so nothing heavy stands here.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

VERSION = "0.1.0"

COMMANDS = {
    "audit": "strongroom.cli.audit",
    "detectors": "strongroom.cli.detectors",
    "scan": "strongroom.cli.scan",
    "server": "strongroom.cli.server",
}

USAGE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 2 for wrong usage, 128 for what nobody expected."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        _print_commands()
        return 0 if given else USAGE
    if given[0] in ("-V", "--version"):
        sys.stdout.write(f"strongroom {VERSION}\n")
        return 0
    if given[0] not in COMMANDS:
        return _refuse_name(given[0])
    return _run(given[0], given[1:])


def parser(name: str) -> argparse.ArgumentParser:
    """Build the parser of one command."""
    import argparse  # noqa: PLC0415 (not needed for --version)

    module = import_module(COMMANDS[name])
    summary, _, rest = (module.__doc__ or "").partition("\n")
    made = argparse.ArgumentParser(
        prog=f"strongroom {name}",
        description=summary,
        epilog=rest.strip() or None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.configure(made)
    return made


def _run(name: str, given: list[str]) -> int:
    try:
        return int(import_module(COMMANDS[name]).run(parser(name).parse_args(given)))
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader has gone: nothing more to say
        return 0
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
    lines = ["usage: strongroom COMMAND …", "", "commands:"]
    for name, module in sorted(COMMANDS.items()):
        summary = (import_module(module).__doc__ or "").partition("\n")[0]
        lines.append(f"  {name:<12} {summary}")
    lines += ["", "strongroom COMMAND --help tells more."]
    sys.stdout.write("\n".join(lines) + "\n")


def _refuse_name(name: str) -> int:
    from difflib import get_close_matches  # noqa: PLC0415 (for a mistake only)

    near = get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean `{near[0]}`?" if near else "strongroom --help lists the commands"
    sys.stderr.write(f"strongroom: unknown command `{name}`; {hint}\n")
    return USAGE
