"""Put strongroom into git's hooks, so that no secret is committed, pushed or taken in.

examples:
  strongroom install --pre-commit              this repository: check each commit
  strongroom install --pre-push                check what is pushed
  strongroom install --pre-commit --global     every repository of yours
  strongroom install --pre-receive             run on a server, in the bare repository
  strongroom install --ai claude               a coding assistant's settings; or cursor
  strongroom uninstall                         take it away again

A hook that is there already is kept: it runs first. `core.hooksPath` is respected.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli import hook_scripts, install_ai
from strongroom.errors import InvalidRequest, UpstreamFailed

if TYPE_CHECKING:
    import argparse

KINDS = ("pre-commit", "pre-push", "pre-receive")
PUSH_OPTIONS = "receive.advertisePushOptions"
WE_SET = "strongroom.setPushOptions"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: shared with `strongroom uninstall`."""
    for kind in KINDS:
        parser.add_argument(f"--{kind}", action="store_true", help=f"git's {kind} hook")
    parser.add_argument(
        "--ai", action="append", default=[], choices=("claude", "cursor"), help="an assistant"
    )
    parser.add_argument("--global", dest="everywhere", action="store_true", help="for all your repositories")
    parser.add_argument("--repository", default=".", metavar="PATH", help="which repository (this one)")
    parser.add_argument("--hooks-dir", default="", metavar="DIR", help="write there, whatever git says")


def run(args: argparse.Namespace) -> int:
    """Install the hooks that are asked for; without one, pre-commit."""
    for agent in args.ai:
        path, changed = install_ai.install(agent, settings_folder(args))
        sys.stderr.write(f"{path}: {'installed' if changed else 'is up to date'}\n")
    kinds = chosen(args) or ([] if args.ai else ["pre-commit"])
    if kinds:
        _install(args, kinds)
    return 0


def settings_folder(args: argparse.Namespace) -> Path:
    """Where an assistant's settings are: the repository's top, or the home."""
    if args.everywhere:
        return Path.home()
    return Path(git(args, "rev-parse", "--show-toplevel") or args.repository)


def _install(args: argparse.Namespace, kinds: list[str]) -> None:
    if args.everywhere and "pre-receive" in kinds:
        raise InvalidRequest(
            "--pre-receive is for a server's repository: use --hooks-dir for a shared folder"
        )
    place = folder(args, create=True)
    for kind in kinds:
        done = hook_scripts.place(place, kind, hook_scripts.script(kind, everywhere=args.everywhere))
        sys.stderr.write(f"{place / kind}: {done}\n")
    if args.everywhere:
        for kind in hook_scripts.CLIENT:
            if not os.path.lexists(place / kind):
                hook_scripts.place(place, kind, hook_scripts.script(kind, everywhere=True, check=False))
    if "pre-receive" in kinds:
        from strongroom.scanner import rules  # noqa: PLC0415 (compiles them: a push has no time for it)

        rules.load()
    if "pre-receive" in kinds and not args.hooks_dir and not git(args, "config", PUSH_OPTIONS):
        git(args, "config", PUSH_OPTIONS, "true")
        git(args, "config", WE_SET, "true")


def chosen(args: argparse.Namespace) -> list[str]:
    """The kinds of hooks that are asked for."""
    return [kind for kind in KINDS if getattr(args, kind.replace("-", "_"))]


def folder(args: argparse.Namespace, *, create: bool = False) -> Path:
    """Where git looks for hooks; for all repositories our own folder, which `create` tells git about."""
    if args.hooks_dir:
        return Path(args.hooks_dir)
    if not args.everywhere:
        answer = git(args, "rev-parse", "--git-path", "hooks")
        if not answer:
            raise InvalidRequest(f"{args.repository} is not in a git repository")
        return Path(args.repository, answer)
    known = git(args, "config", "--global", "--path", "core.hooksPath")
    if known:
        return Path(known)
    mine = own_folder()
    if create:
        git(args, "config", "--global", "core.hooksPath", str(mine))
    return mine


def own_folder() -> Path:
    """The folder of hooks for all repositories of a user."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home, "strongroom", "hooks")


def git(args: argparse.Namespace, *arguments: str) -> str:
    """Run git and return its answer, "" when it has none."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", args.repository, *arguments],  # noqa: S607 (the user's git is the one to ask)
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UpstreamFailed("git is not installed") from error
    return done.stdout.strip() if done.returncode == 0 else ""
