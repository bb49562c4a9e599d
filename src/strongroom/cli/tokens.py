"""The caller's token: from the environment or a file, never from a flag.

`~/.strongroom-token` holds the token and, on a second line, the server it is for. It is
sent to no other. Vault's `~/.vault-token` is read too, and written by Vault's own clients.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from strongroom.cli.config import PREFIXES, Chosen, from_directory
from strongroom.cli.errors import LOGIN, Failure
from strongroom.sensitive import Sensitive

if TYPE_CHECKING:
    from pathlib import Path

    from strongroom.cli.config import Place

FILE = ".strongroom-token"
VAULT_FILE = ".vault-token"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Found(NamedTuple):
    """A token, where it is from, and the server it is for (empty: any that the user chose)."""

    token: Sensitive[str]
    source: str
    address: str = ""


def find(place: Place) -> Found | None:
    """The caller's token, or None."""
    for prefix in PREFIXES:
        text = place.environ.get(f"{prefix}TOKEN", "").strip()
        if text:
            return Found(Sensitive(text), f"{prefix}TOKEN")
    for name in (FILE, VAULT_FILE):
        lines = _lines(place.home / name)
        if lines:
            return Found(Sensitive(lines[0]), f"~/{name}", lines[1] if len(lines) > 1 else "")
    return None


def fitting(found: Found | None, address: Chosen, trusted: str, place: Place) -> Sensitive[str] | None:
    """The token if it may go to this server. Raises Failure for one that a checkout alone names."""
    stored = _lines(place.home / FILE)
    if from_directory(address) and not _known(address.value, trusted, stored[1:]):
        raise Failure(
            LOGIN,
            f"{address.value} is not a server that you have used",
            f"Only {address.source} names it, and that file came with the directory: no token is sent.",
            f"If it is right: strongroom login --address {address.value}",
        )
    if found is None or (found.address and not _same(found.address, address.value)):
        return None
    return found.token


def save(token: Sensitive[str], address: str, place: Place) -> Path:
    """Keep the token for this server, readable by its owner alone."""
    path = place.home / FILE
    partial = path.with_name(f"{FILE}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{token.reveal()}\n{address}\n")
    partial.replace(path)
    return path


def forget(place: Place) -> bool:
    """Remove the kept token; False when there was none."""
    path = place.home / FILE
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _known(address: str, trusted: str, stored: list[str]) -> bool:
    host = urlsplit(address).hostname or ""
    return host in LOOPBACK or any(_same(address, each) for each in [*trusted.split(","), *stored])


def _same(one: str, other: str) -> bool:
    return one.strip().rstrip("/").lower() == other.strip().rstrip("/").lower()


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        return []
