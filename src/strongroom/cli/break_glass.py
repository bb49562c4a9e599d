"""A push that must go through all the same: asked for with push options, with a reason, on record."""

from __future__ import annotations

import json
import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOW = "git push -o breakglass -o strongroom.reason='why it cannot wait' (8 characters or more)"
OPTIONS = ("breakglass", "strongroom.breakglass")
REASON = "strongroom.reason="
SHORTEST = 8  # characters of a reason that says something
WHO = ("GL_USERNAME", "GITHUB_USER_LOGIN", "GITEA_PUSHER_NAME", "BB_USER_NAME", "REMOTE_USER", "USER")
LOG = "strongroom-audit.jsonl"


def reason(environment: Mapping[str, str]) -> str:
    """The reason given for breaking the glass; "" when nobody asked, or gave none."""
    count = environment.get("GIT_PUSH_OPTION_COUNT", "0")
    total = min(int(count), 1000) if count.isdigit() else 0
    options = [environment.get(f"GIT_PUSH_OPTION_{n}", "") for n in range(total)]
    if not any(option in OPTIONS for option in options):
        return ""
    given = next((o.removeprefix(REASON).strip() for o in options if o.startswith(REASON)), "")
    return given if len(given) >= SHORTEST else ""


def record(path: str, why: str, given: str, lines: Sequence[str], found: str, now: float) -> None:
    """Append one line to the record and wait until it is on disk. Raises OSError when that fails."""
    entry = {
        "time": int(now),
        "why": why,
        "reason": given,
        "who": next((os.environ[name] for name in WHO if os.environ.get(name)), "") or _user(),
        "remote": os.environ.get("GITHUB_USER_IP") or os.environ.get("SSH_CLIENT", "").partition(" ")[0],
        "repository": os.environ.get("GL_PROJECT_PATH") or os.environ.get("GITHUB_REPO_NAME") or os.getcwd(),  # noqa: PTH109
        "refs": [line.strip() for line in lines if line.strip()],
        "fingerprints": [item for item in found.split(",") if item],
    }
    body = json.dumps({key: value for key, value in entry.items() if value}, ensure_ascii=False) + "\n"
    handle = os.open(
        path or LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    with os.fdopen(handle, "wb") as file:
        file.write(body.encode())
        file.flush()
        os.fsync(file.fileno())


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
