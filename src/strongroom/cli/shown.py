"""--output-curl and --output-policy: the request instead of its answer."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode

from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.cli.session import Session

PLAIN = frozenset({"cas", "versions"})
CAPABILITIES = {
    "GET": ("read",),
    "LIST": ("list",),
    "SCAN": ("scan",),
    "POST": ("create", "update"),
    "PATCH": ("patch",),
    "DELETE": ("delete",),
}


def show_request(
    session: Session,
    method: str,
    path: str,
    body: Any,
    query: Mapping[str, str] | None,
    headers: Mapping[str, str],
) -> NoReturn:
    """Print what was asked for and end the command. Nothing is sent but a look at the path's description."""
    if session.args.output_policy:
        needed = [*CAPABILITIES[method], *(["sudo"] if _needs_sudo(session, method, path) else [])]
        sys.stdout.write(f'path "{path}" {{\n  capabilities = {json.dumps(needed)}\n}}\n')
    else:
        sys.stdout.write(_curl(session, method, path, body, query, headers) + "\n")
    sys.stdout.flush()
    raise SystemExit(0)


def _curl(
    session: Session,
    method: str,
    path: str,
    body: Any,
    query: Mapping[str, str] | None,
    headers: Mapping[str, str],
) -> str:
    settings = session.settings
    words = ["curl", "-X", method]
    for flag, name in (("--cacert", "ca_cert"), ("--cert", "client_cert"), ("--key", "client_key")):
        words += [flag, settings[name].value] if settings[name].value else []
    quoted = [shlex.join(words), '-H "X-Vault-Token: $STRONGROOM_TOKEN"']
    named = {
        "X-Vault-Namespace": settings["namespace"].value,
        "X-Strongroom-Reason": session.args.reason or "",
    }
    for name, value in {**named, **headers}.items():
        quoted += [f"-H {shlex.quote(f'{name}: {value}')}"] if value else []
    if body is not None:
        quoted.append(f"-d {shlex.quote(json.dumps(_hidden(session, body), ensure_ascii=False))}")
    target = f"{settings['address'].value.rstrip('/')}/v1/{path}" + (f"?{urlencode(query)}" if query else "")
    return " ".join([*quoted, shlex.quote(target)])


def _hidden(session: Session, body: Any, name: str = "") -> Any:
    """The body with its texts and numbers out of sight, as most are secret."""
    if session.args.show_secrets or name in PLAIN or body is None or isinstance(body, bool):
        return body
    if isinstance(body, dict):
        return {key: _hidden(session, value, key) for key, value in body.items()}
    return [_hidden(session, value) for value in body] if isinstance(body, list) else "…"


def _needs_sudo(session: Session, method: str, path: str) -> bool:
    """Whether the server's description marks the path; unknown counts as no."""
    if not path.startswith(("sys/", "auth/token/")):
        return False
    try:
        paths = session.client.request("GET", "sys/internal/specs/openapi").body["paths"]
    except (Refused, Failure, KeyError, TypeError):
        return False
    asked = path.strip("/").split("/")
    verb = "get" if method in ("LIST", "SCAN") else method.lower()
    return any(
        entry.get(verb, {}).get("x-vault-sudo", False) for name, entry in paths.items() if _fits(name, asked)
    )


def _fits(template: str, asked: list[str]) -> bool:
    wanted = template.strip("/").split("/")
    return len(wanted) == len(asked) and all(
        one.startswith("{") or one == other for one, other in zip(wanted, asked, strict=True)
    )
