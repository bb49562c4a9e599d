"""OpenPGP public keys from files, as `operator init`, `rekey` and `generate-root` take them."""

from __future__ import annotations

import base64
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from strongroom.cli.session import Session

MAX_BYTES = 256 * 1024
HELP = "OpenPGP public key files, one a share, with commas: each share comes out encrypted to its holder"


def public_keys(given: str | None) -> list[str]:
    """The keys in the files `A,B,C`, as text. Raises Failure, naming the file."""
    return [public_key(name.strip()) for name in given.split(",")] if given else []


def public_key(name: str) -> str:
    """A key from a file: as it is when it is text, else its bytes in base64."""
    if name.startswith("keybase:"):
        raise Failure(
            errors.USAGE, f"{name} is not looked up", "Keys are taken from files only.",
            "Save the public key in a file and give its name: gpg --export NAME > FILE",
        )  # fmt: skip
    file = Path(name)
    try:
        raw = file.read_bytes() if file.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise Failure(
            errors.USAGE, f"cannot read the public key {name}", f"{error.strerror}.",
            "Give a file: gpg --export NAME > FILE",
        ) from None  # fmt: skip
    if not raw:
        raise Failure(errors.USAGE, f"{name} holds no public key", "It is empty or far too large.")
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode()


def shared_out(
    session: Session, made: dict[str, Any], files: str | None = None, name: str = "Key share"
) -> list[str]:
    """Lines that hand the shares out, each with whom it is encrypted to, if to anyone."""
    holders = files.split(",") if files else made.get("pgp_fingerprints") or []
    to = [f", encrypted to {session.output.printable(holder.strip())}" for holder in holders]
    lines = [
        f"{name} {number}{whom}: {key}"
        for number, (key, whom) in enumerate(zip_longest(made["keys_base64"], to, fillvalue=""), 1)
    ]
    if to:
        session.say("A holder reads a share with: base64 -d | gpg --decrypt")
    return lines
