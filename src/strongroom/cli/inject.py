"""Write a file with the vault's values in place of its references.

examples:
  strongroom inject config.yml -o /run/app/config.yml
  strongroom inject config.json | app --config /dev/stdin

In a .json file values are escaped as JSON text wants it; elsewhere they stand as they are. The output is
readable by its owner only and takes the place of what was there in one step.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.cli import errors, parsing
from strongroom.cli.adopt.drafts import text_of
from strongroom.cli.errors import Failure
from strongroom.cli.references import Resolver

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    made = parsing.whole(parser, _inject)
    made.set_defaults(mount=None)
    made.add_argument("file", metavar="FILE")
    made.add_argument("--output", "-o", metavar="FILE", default="-", help="where to (standard output)")


def _inject(session: Session) -> int:
    args = session.args
    encode = _in_json if args.file.endswith(".json") else str
    resolver = Resolver(session)
    made = resolver.text(text_of(args.file), encode)
    for lease in resolver.leases:
        session.warn(f"a credential in it ends in {lease.seconds} s unless its lease is renewed: {lease.id}")
    if args.output == "-":
        sys.stdout.buffer.write(made.encode())
        return errors.OK
    try:
        _written(Path(args.output), made.encode())
    except OSError as error:
        raise Failure(errors.USAGE, f"cannot write {args.output}", f"{error.strerror}.") from None
    return errors.OK


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _written(path: Path, made: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(made)
        os.replace(name, path)  # noqa: PTH105 (a name, not a Path)
    except BaseException:
        os.unlink(name)  # noqa: PTH108 (same)
        raise
