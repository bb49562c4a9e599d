"""Questions to the person at the terminal, and values from standard input.

Without a terminal nothing is asked: the command says what to give instead.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from strongroom.cli.errors import NEGATIVE, USAGE, Failure
from strongroom.sensitive import Sensitive

if TYPE_CHECKING:
    from strongroom.cli.session import Session

MAX_BYTES = 32 * 2**20


def hidden(question: str, instead: str) -> Sensitive[str]:
    """A value typed without echo. `instead` says what to give where there is no terminal."""
    if not sys.stdin.isatty():
        raise Failure(USAGE, f"{question} is missing", "There is no terminal to ask on.", instead)
    from getpass import getpass  # noqa: PLC0415 (only when asking)

    try:
        given = getpass(f"{question} (hidden): ", sys.stderr)
    except EOFError:
        given = ""
    if not given:
        raise Failure(USAGE, f"{question} is missing", "Nothing was typed.", instead)
    return Sensitive(given)


def piped() -> str:
    """All of standard input as text, byte for byte. Raises Failure when it is not UTF-8."""
    try:
        return sys.stdin.buffer.read(MAX_BYTES).decode()
    except UnicodeDecodeError:
        raise Failure(
            USAGE,
            "standard input is not UTF-8 text",
            "Values are text.",
            "Encode it first: base64 -w0 FILE | …",
        ) from None


def word(given: str | None, question: str) -> Sensitive[str]:
    """A secret word (a token, a key share): asked for, or with `-` the first line of standard input."""
    if given is None:
        return hidden(question, "Give `-` and pipe it in.")
    if given == "-":
        text = sys.stdin.readline().strip()
        if not text:
            raise Failure(USAGE, f"{question} is missing", "Standard input is empty.")
        return Sensitive(text)
    return Sensitive(given)


def confirmed(session: Session, deed: str, *blast: str) -> bool:
    """Whether to go on with `deed`; says it and its reach, asks, and obeys --yes and --dry-run."""
    for line in (deed, *blast):
        session.say(line)
    if session.args.dry_run:
        session.say("nothing was changed (--dry-run)")
        return False
    if session.args.yes:
        return True
    if not sys.stdin.isatty():
        raise Failure(
            USAGE, "not done without a yes", "There is no terminal to ask on.", "Give --yes if it is right."
        )
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    raise Failure(NEGATIVE, "nothing was changed")
