"""Read and write secrets in key-value engines.

examples:
  strongroom kv put secret/app password              (asks for the value)
  strongroom kv get --field password secret/app
  strongroom kv metadata get secret/app

PATH starts with the mount (secret/app); `data/` and `metadata/` are not part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.cli import parsing
from strongroom.cli.kv import commands, metadata, versions

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    to = parsing.parts(parser)
    commands.configure(to)
    versions.configure(to)
    metadata.configure(to)
