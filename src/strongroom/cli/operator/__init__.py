"""Open, close, re-key, back up and restore the server.

examples:
  strongroom operator init --shares 5 --threshold 3
  strongroom operator unseal                          (asks for a key share)
  strongroom operator backup -o nightly.backup
  strongroom operator restore nightly.backup --data /var/lib/strongroom
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import parsing
from strongroom.cli.operator import backup, rekey, restore, root, seal

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    seal.configure(to)
    rekey.configure(to)
    root.configure(to)
    backup.configure(to)
    restore.configure(to)
