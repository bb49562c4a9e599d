"""Run a program with secrets of the vault in its environment.

examples:
  strongroom run --env-file .env -- ./serve
  strongroom run --secret secret/team/env -- ./serve
  DB_PASSWORD=strongroom://secret/app/db/password strongroom run -- ./serve

References (strongroom://MOUNT/PATH/FIELD) in the environment and in the files are replaced by values. What is
issued on demand (strongroom://database/creds/app/username) is renewed while the program runs and revoked when
it ends. The vault's token is not handed on.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from strongroom.cli import dotenv, errors, parsing
from strongroom.cli.adopt.drafts import text_of
from strongroom.cli.errors import Failure
from strongroom.cli.references import PREFIX, Resolver

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
OWN = ("STRONGROOM_TOKEN", "VAULT_TOKEN", "BAO_TOKEN")
NOT_FOUND, NOT_RUN = 127, 126


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    made = parsing.whole(parser, _run)
    made.set_defaults(mount=None)
    made.add_argument("program", metavar="PROGRAM", nargs="+", help="what to run, after --")
    made.add_argument(
        "--env-file", metavar="FILE", action="append", default=[], help="variables, with references in them"
    )
    made.add_argument(
        "--secret", metavar="PATH", action="append", default=[], help="each field becomes a variable"
    )
    made.add_argument("--keep-token", action="store_true", help="hand the vault's token on to the program")


def _run(session: Session) -> int:
    from strongroom.cli import leased  # noqa: PLC0415 (what completes names and helps needs no processes)

    program = session.args.program
    resolver = Resolver(session)
    try:
        environ = _environ(session, resolver)
    except BaseException:
        leased.release(session, resolver.leases)
        raise
    session.client.close()
    try:
        if resolver.leases:
            return leased.run(session, program, environ, resolver.leases)
        os.execvpe(program[0], program, environ)  # noqa: S606  # the user's own program
    except FileNotFoundError:
        raise Failure(NOT_FOUND, f"there is no program {program[0]}") from None
    except OSError as error:
        raise Failure(NOT_RUN, f"cannot run {program[0]}", f"{error.strerror}.") from None


def _environ(session: Session, resolver: Resolver) -> dict[str, str]:
    """The environment: what is there, then secrets, then files, each over the one before."""
    merged = dict(os.environ)
    for path in session.args.secret:
        fields = resolver.secret(path.strip("/"))
        odd = [name for name in fields if not NAME.fullmatch(name)]
        if odd:
            raise Failure(
                errors.USAGE, f"'{odd[0]}' of {path} is no variable's name",
                f"Name it otherwise: NAME={PREFIX}{path}/{odd[0]} in a file given by --env-file.",
            )  # fmt: skip
        merged |= fields
    for file in session.args.env_file:
        merged |= {one.name: one.value for one in dotenv.parsed(text_of(file), file)}
    made = {name: resolver.text(value) if PREFIX in value else value for name, value in merged.items()}
    broken = [name for name, value in made.items() if "\0" in value]
    if broken:
        raise Failure(errors.NEGATIVE, f"the value of {broken[0]} cannot stand in an environment")
    return made if session.args.keep_token else {name: made[name] for name in made if name not in OWN}
