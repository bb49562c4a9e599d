"""A server's refusal, explained: what was asked, which rule or capability is missing, what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from strongroom.cli.client import Refused
from strongroom.cli.errors import DENIED, LOGIN, NEGATIVE, UNREACHABLE, USAGE, Failure, near
from strongroom.cli.shown import CAPABILITIES

if TYPE_CHECKING:
    from strongroom.cli.session import Session

BUSY = {
    412: "It has not caught up with what was written before.",
    429: "It has too much to do, or this client asks too often.",
    502: "A system that it depends on failed.",
    504: "A system that it depends on did not answer in time.",
}


def explained(session: Session, refused: Refused) -> Failure:
    """The failure to show for a refusal, with the id that the audit log knows the request by."""
    failure = _failure(session, refused)
    if refused.request and failure.code in (DENIED, UNREACHABLE):
        failure = Failure(
            failure.code,
            failure.what,
            f"{failure.why} (request {refused.request})".strip(),
            failure.next_step,
        )
    return failure


def _failure(session: Session, refused: Refused) -> Failure:
    said = session.output.printable("; ".join(_plain(text) for text in refused.messages))
    where = f"{refused.method.lower()} of {refused.path}"
    if refused.status == 403:
        return _denied(session, refused, said)
    if refused.status == 404:
        return _missing(session, refused, said)
    if refused.status in (501, 503):
        return _closed(session, refused.status, said)
    if refused.status >= 500 or refused.status in BUSY:
        why = BUSY.get(refused.status, "The server failed; its log has the cause under this request.")
        return Failure(UNREACHABLE, f"{where} failed: {said or refused.status}", why, _later(refused.after))
    hint = f"strongroom path-help {refused.path} tells what it takes." if refused.status in (400, 405) else ""
    return Failure(USAGE, f"{where} was refused", f"{said or refused.status}.", hint)


def _later(seconds: float | None) -> str:
    """When to come back, as far as the server says."""
    if seconds is None:
        return "Try again shortly."
    return f"Try again in {seconds:.0f} s." if seconds < 120 else f"Try again in {seconds / 60:.0f} min."


def _plain(text: str) -> str:
    """One line of what Vault and OpenBao put into a list of one."""
    return " ".join(re.sub(r"\d+ errors? occurred:", "", text).replace("* ", " ").split())


def _denied(session: Session, refused: Refused, said: str) -> Failure:
    address = session.settings["address"].value
    if session.client.options.token is None:
        found = session.found_token
        why = f"The token in {found.source} is for {found.address}." if found else "There is no token."
        return Failure(LOGIN, f"you are not logged in to {address}", why, "Log in: strongroom login")
    try:
        own = session.data(session.client.request("GET", "auth/token/lookup-self"))
    except (Refused, Failure):
        source = session.found_token.source if session.found_token else "the token"
        return Failure(
            LOGIN, "your token is not valid", f"The one from {source} is unknown, expired or revoked.",
            "Log in again: strongroom login",
        )  # fmt: skip
    needed = "sudo" if "'sudo' is needed" in said else CAPABILITIES[refused.method][-1]
    policies = ", ".join(own.get("policies") or ["none"])
    why = f"{said.removeprefix('permission denied: ') or 'Permission denied'}. Your policies: {policies}."
    rule = f'path "{refused.path}" {{ capabilities = ["{needed}"] }}'
    return Failure(
        DENIED,
        f"you need '{needed}' on {refused.path}",
        f"{why[0].upper()}{why[1:]}{_held(session, refused)}",
        f"Someone who may can allow it in a policy: {rule}",
    )


def _held(session: Session, refused: Refused) -> str:
    """What the caller may do there instead."""
    try:
        body = {"paths": [refused.path]}
        held = session.data(session.client.request("POST", "sys/capabilities-self", body))
    except (Refused, Failure):
        return ""
    granted = [name for name in held.get("capabilities") or [] if name != "deny"]
    return f" They give you there: {', '.join(granted)}." if granted else " They give you nothing there."


def _missing(session: Session, refused: Refused, said: str) -> Failure:
    body = refused.body if isinstance(refused.body, dict) else {}
    if said == "namespace not found":
        name = session.client.options.namespace or refused.path
        return Failure(
            NEGATIVE, f"there is no namespace {name}", "", "See which are: strongroom namespace list"
        )
    advice = [session.output.printable(str(text)) for text in body.get("warnings") or []]
    if said.startswith(("no handler", "unsupported path")):
        hint = _nearest(session, refused.path)
        return Failure(USAGE, f"there is no {refused.path}", f"{said[0].upper()}{said[1:]}.", hint)
    if advice:
        return Failure(
            USAGE, f"there is no {refused.path}", "Secrets with versions are below data/ and metadata/.",
            f"Use strongroom kv {'list' if refused.method == 'LIST' else 'get'} for them.",
        )  # fmt: skip
    why = f"{said}." if said else "It was never written, or is deleted."
    folder = refused.path.rpartition("/")[0]
    return Failure(
        NEGATIVE, f"nothing is stored at {refused.path}", why, f"See what is: strongroom list {folder}"
    )


def _nearest(session: Session, path: str) -> str:
    """The mount that was meant or, below the system's own, the path."""
    first = f"{path.partition('/')[0]}/"
    if first not in ("sys/", "auth/"):
        return near(first, _mounts(session), "strongroom secrets list shows what is mounted.")
    try:
        known = session.client.request("GET", "sys/internal/specs/openapi").body["paths"]
    except (Refused, Failure, KeyError, TypeError):
        return ""
    return near(path, [name.strip("/") for name in known])


def _mounts(session: Session) -> list[str]:
    try:
        found = session.data(session.client.request("GET", "sys/internal/ui/mounts"))
    except (Refused, Failure):
        return []
    return [*found.get("secret", {}), *(f"auth/{name}" for name in found.get("auth", {}))]


def _closed(session: Session, status: int, said: str) -> Failure:
    address = session.settings["address"].value
    if status == 501:
        return Failure(
            UNREACHABLE, f"{address} is not initialised", "It has no keys yet.",
            "Once, for a new server: strongroom operator init",
        )  # fmt: skip
    if "sealed" in said.lower():
        return Failure(
            UNREACHABLE, f"{address} is sealed", "Its keys are not in memory, so it can read nothing.",
            "Hand in key shares: strongroom operator unseal",
        )  # fmt: skip
    return Failure(UNREACHABLE, f"{address} cannot answer now", f"{said or status}.", "Try again shortly.")
