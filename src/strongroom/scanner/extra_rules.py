"""Detectors from elsewhere: the user's files, and a remote rule set pinned by its digest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.scanner import cache

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 16 << 20
SECONDS = 30


def read(files: Sequence[str], url: str, sha256: str) -> list[tuple[str, str]]:
    """Return (name, TOML text) of each rule set. Raises InvalidRequest or what `fetch` does."""
    found = []
    for name in files:
        try:
            found.append((name, Path(name).read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"{name}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    if url:
        found.append((url, fetch(url, sha256)))
    return found


def fetch(url: str, sha256: str) -> str:
    """Return the rule set at `url`, or from the cache; its SHA-256 must be `sha256`.

    Raises UpstreamFailed when it cannot be had, or is another.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidRequest(
            "--rules-url needs --rules-sha256 with 64 hex digits: rules decide what is found"
        )
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise InvalidRequest(f"{url}: a rule set is fetched over https only")
    name = f"remote-{sha256.lower()}"
    body = cache.read(name)
    if not isinstance(body, bytes):
        body = _download(url)
    found = hashlib.sha256(body).hexdigest()
    if found != sha256.lower():
        raise UpstreamFailed(
            f"{url}: the rule set does not have the digest {sha256}, but {found}:"
            " see what changed before you pin it"
        )
    cache.write(name, body)
    return body.decode("utf-8")


def _download(url: str) -> bytes:
    from urllib import request  # noqa: PLC0415 (only for a rule set that is not cached)
    from urllib.error import URLError  # noqa: PLC0415

    try:
        with request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 (the scheme is checked)
            body = bytes(answer.read(LIMIT + 1))
    except (URLError, TimeoutError) as error:
        raise UpstreamFailed(f"{url}: {getattr(error, 'reason', error)}") from error
    if len(body) > LIMIT:
        raise InvalidRequest(f"{url}: larger than {LIMIT:,} bytes")
    return body
