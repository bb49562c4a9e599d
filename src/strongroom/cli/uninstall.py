"""Take strongroom out of git's hooks; what was there before is put back.

examples:
  strongroom uninstall                    this repository, every kind
  strongroom uninstall --pre-push
  strongroom uninstall --global
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from strongroom.cli import hook_scripts, install, install_ai

if TYPE_CHECKING:
    import argparse

configure = install.configure


def run(args: argparse.Namespace) -> int:
    """Remove the hooks that are asked for; without one, all of them."""
    for agent in args.ai:
        path = install_ai.uninstall(agent, install.settings_folder(args))
        sys.stderr.write(f"{path}: removed\n" if path else f"{agent}: no hook of strongroom is there\n")
    if not args.ai or install.chosen(args):
        _remove(args)
    return 0


def _remove(args: argparse.Namespace) -> None:
    place = install.folder(args)
    asked = install.chosen(args)
    kinds = asked or list(install.KINDS)
    if args.everywhere and not asked:
        kinds = list(hook_scripts.CLIENT)
    gone = [kind for kind in kinds if hook_scripts.remove(place, kind)]
    for kind in gone if asked else [kind for kind in gone if kind in install.KINDS]:
        sys.stderr.write(f"{place / kind}: removed\n")
    if not gone:
        sys.stderr.write(f"{place}: no hook of strongroom is there\n")
    if args.everywhere and not asked and place == install.own_folder():
        install.git(args, "config", "--global", "--unset", "core.hooksPath")
    if "pre-receive" in gone and install.git(args, "config", install.WE_SET):
        install.git(args, "config", "--unset", install.PUSH_OPTIONS)
        install.git(args, "config", "--unset", install.WE_SET)
