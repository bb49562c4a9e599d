"""List, mount, tune and unmount auth methods.

examples:
  strongroom auth list
  strongroom auth enable userpass
  strongroom auth tune userpass --default-lease-ttl 8h
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import mounts

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    mounts.configure(parser, mounts.METHODS)
