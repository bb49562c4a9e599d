"""What git, pre-commit and coding assistants run: pre-commit, pre-push, pre-receive, ai.

examples:
  strongroom install --pre-commit     writes the git hook that runs `strongroom hook pre-commit`
  strongroom hook pre-push            reads what git writes to its hook
  strongroom hook ai                  reads a coding assistant's JSON, answers allow or deny

Any option of `strongroom scan` may follow pre-commit and pre-push.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from strongroom.cli import scan, scan_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

KINDS = ("pre-commit", "pre-push", "pre-receive", "ai")

HINT = """\
Take the secret out of the commit, and rotate it if it was ever shared. If it may stand there:
  strongroom ignore --last-found --reason '…'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: for --help and where options are given."""
    parser.add_argument("kind", choices=KINDS, help="which hook this is")
    parser.add_argument("rest", nargs="*", help="what git passes to the hook")
    parser.add_argument("--fail-closed", action="store_true", help="ai: deny what could not be scanned")
    o = scan_options
    o.add(parser, o.detectors(), o.suppression(), o.output())


def parse(given: Sequence[str]) -> Any:
    """Read the arguments; the usual hook has no options, and pays for no parser."""
    if given and given[0] in KINDS and not any(word.startswith("-") for word in given[1:]):
        return SimpleNamespace(**scan_options.defaults(), kind=given[0], rest=given[1:], fail_closed=False)
    from strongroom import cli  # noqa: PLC0415 (only where there are options)

    parsed = cli.parser("hook").parse_args(given)
    return SimpleNamespace(**scan_options.defaults() | vars(parsed))


def run(args: Any) -> int:
    """Run the hook."""
    if args.kind == "pre-commit":
        return pre_commit(args)
    if args.kind == "pre-push":
        from strongroom.cli import hook_push  # noqa: PLC0415 (a hook is one kind)

        return hook_push.pre_push(args)
    if args.kind == "pre-receive":
        from strongroom.cli import hook_receive  # noqa: PLC0415

        return hook_receive.pre_receive(args)
    from strongroom.cli import hook_ai  # noqa: PLC0415

    return hook_ai.run(args.fail_closed)


def pre_commit(args: Any) -> int:
    """Scan what is staged; nothing found says nothing."""
    args.staged = True
    return settle(args, scan.run(args, terse=True))


def settle(args: Any, code: int) -> int:
    """Say how to go on where something was found."""
    if code == scan.FOUND and not args.quiet:
        sys.stderr.write(HINT)
    return code
