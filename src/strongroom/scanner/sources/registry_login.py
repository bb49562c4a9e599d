"""Whose name an image is pulled under: the environment's, or the one `docker login` kept.

Credential helpers are programs named by a file and are not run; pass what they
would give in the two variables.
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

from strongroom.scanner.sources.registry import HUB

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_BYTES = 1 << 20
HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", HUB)


def credentials(host: str, environment: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """Return user and password for the registry at `host`, None to pull as nobody."""
    user = environment.get("STRONGROOM_REGISTRY_USER", "")
    if user:
        return user, environment.get("STRONGROOM_REGISTRY_PASSWORD", "")
    folder = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", ""), ".docker")
    logins = _logins(os.path.join(folder, "config.json"))
    keys = HUB_KEYS if host == HUB else (host, f"https://{host}", f"http://{host}")
    for key in keys:
        found = _read(logins.get(key))
        if found:
            return found
    return None


def _logins(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            config = json.loads(file.read(CONFIG_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    logins = config.get("auths") if isinstance(config, dict) else None
    return logins if isinstance(logins, dict) else {}


def _read(login: object) -> tuple[str, str] | None:
    """Read one entry: `auth` is `user:password` in base64."""
    if not isinstance(login, dict) or not isinstance(login.get("auth"), str):
        return None
    try:
        user, colon, password = base64.b64decode(login["auth"], validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon and user else None
