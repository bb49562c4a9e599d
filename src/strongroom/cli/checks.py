"""The checks of `strongroom doctor`, from the address to the storage."""

from __future__ import annotations

import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom import cli
from strongroom.cli import tokens
from strongroom.cli.client import Refused
from strongroom.cli.errors import UNREACHABLE, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.cli.client import Answer
    from strongroom.cli.session import Session

PASSED, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"
SKEW_SECONDS = 30
SOON_DAYS = 14
SHORT_TTL = 300
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


class Finding(NamedTuple):
    """One check: its name, how it went, what was seen, and what to do."""

    name: str
    state: str
    text: str
    hint: str = ""


def checks(session: Session) -> Iterator[Finding]:
    """All checks, in the order in which one needs another."""
    yield _address(session)
    yield _proxy(session)
    try:
        answer = session.client_with(None, retries=0).request(
            "GET", "sys/health", query={"sealedcode": "200", "uninitcode": "200"}
        )
    except (Failure, Refused) as error:
        hint = error.next_step if isinstance(error, Failure) else ""
        yield Finding("connection", FAILED, str(error).splitlines()[0], hint)
        return
    yield Finding("connection", PASSED, f"{session.settings['address'].value} answers")
    yield from _certificate(session)
    yield _clock(answer)
    yield _version(answer)
    yield _seal(answer)
    if not answer.body["sealed"]:
        yield from _login(session)


def _address(session: Session) -> Finding:
    value, source = session.settings["address"]
    host = session.client_with(None).host
    if value.startswith("http://") and host not in tokens.LOOPBACK:
        return Finding("address", WARNING, f"{value} (from {source}) is not encrypted", "Use https://.")
    return Finding("address", PASSED, f"{value} (from {source})")


def _proxy(session: Session) -> Finding:
    named = [name for name in PROXIES if session.place.environ.get(name)]
    if named:
        return Finding("proxy", WARNING, f"{', '.join(named)} is set; strongroom connects without it")
    return Finding("proxy", PASSED, "none is set")


def _certificate(session: Session) -> Iterator[Finding]:
    client = session.client_with(None)
    if not client.encrypted:
        yield Finding("tls", SKIPPED, "the address is http://")
        return
    if not client.options.verify:
        yield Finding("tls", FAILED, "the certificate is not checked", "Name its authority: --ca-cert FILE.")
        return
    import socket  # noqa: PLC0415 (for this check alone)

    name = client.options.server_name or client.host
    plain = socket.create_connection((client.host, client.port), client.options.timeout)
    with client.tls().wrap_socket(plain, server_hostname=name) as secure:
        protocol, certificate = secure.version(), secure.getpeercert() or {}
    ends = str(certificate.get("notAfter", ""))
    days = (ssl.cert_time_to_seconds(ends) - time.time()) / 86400
    state = PASSED if days > SOON_DAYS else WARNING
    hint = "" if days > SOON_DAYS else "Replace it, then send the server SIGHUP."
    yield Finding("tls", state, f"{protocol}, certificate until {ends} ({days:.0f} days)", hint)


def _clock(answer: Answer) -> Finding:
    now = time.time()
    at = parsedate_to_datetime(answer.date).timestamp() if answer.date else answer.body["server_time_utc"]
    skew, moved = abs(now - float(at)), int(answer.body.get("clock_skew_ms", 0)) / 1000
    if abs(moved) > SKEW_SECONDS:
        way = "ahead of" if moved > 0 else "behind"
        text = f"the server's system clock is {abs(moved):.0f} s {way} the time it goes by"
        return Finding("clock", WARNING, text, "See Clocks in docs/operations.md.")
    if skew > SKEW_SECONDS:
        return Finding(
            "clock", WARNING, f"this clock and the server's differ by {skew:.0f} s", "Run NTP on both."
        )
    return Finding("clock", PASSED, "this clock and the server's agree")


def _version(answer: Answer) -> Finding:
    version = str(answer.body.get("version", ""))
    own = version.partition("+strongroom.")[2]
    if own == cli.VERSION:
        return Finding("version", PASSED, f"{own} on both sides")
    if own:
        return Finding(
            "version", WARNING, f"the server has {own}, this command {cli.VERSION}", "Install the same."
        )
    return Finding(
        "version", WARNING, f"the server is no strongroom: {version}", "Most commands work all the same."
    )


def _seal(answer: Answer) -> Finding:
    if not answer.body["initialized"]:
        return Finding("seal", FAILED, "the server is not initialised", "strongroom operator init")
    if answer.body["sealed"]:
        return Finding("seal", FAILED, "the server is sealed", "strongroom operator unseal")
    return Finding("seal", PASSED, "unsealed")


def _login(session: Session) -> Iterator[Finding]:
    try:
        client = session.client
        own = session.data(client.request("GET", "auth/token/lookup-self"))
    except Failure as failure:
        yield Finding("token", FAILED, failure.what, failure.next_step)
        return
    except Refused:
        found = session.found_token
        text = f"the token from {found.source} is not valid here" if found else "there is no token"
        yield Finding("token", FAILED, text, "strongroom login")
        return
    source = session.found_token.source if session.found_token else ""
    yield _token(own, source)
    yield _storage(session)


def _token(own: dict[str, Any], source: str) -> Finding:
    ttl, policies = int(own["ttl"]), ", ".join(own["policies"])
    if "root" in own["policies"]:
        return Finding("token", WARNING, f"a root token, from {source}", "Work with a token of fewer rights.")
    life = f"{lasting(ttl)} left" if own.get("expire_time") else "never expires"
    text = f"{own['display_name']} with {policies}; {life}; from {source}"
    if own.get("expire_time") and ttl < SHORT_TTL:
        return Finding("token", WARNING, text, "strongroom token renew, or strongroom login")
    return Finding("token", PASSED, text)


def lasting(seconds: int) -> str:
    """The two largest units of a time."""
    units = (
        ("d", seconds // 86400),
        ("h", seconds // 3600 % 24),
        ("min", seconds // 60 % 60),
        ("s", seconds % 60),
    )
    first = next((at for at, (_, number) in enumerate(units) if number), len(units) - 1)
    return " ".join(f"{number} {unit}" for unit, number in units[first : first + 2])


def _storage(session: Session) -> Finding:
    if not session.args.storage:
        return Finding("storage", SKIPPED, "not read", "--storage looks for damaged entries")
    try:
        found = session.data(session.client.request("GET", "sys/storage/damaged"))["keys"]
    except Refused as refused:
        state = FAILED if refused.status != 403 else SKIPPED
        return Finding(
            "storage", state, f"cannot look: the server answered {refused.status}", "It takes a sudo token."
        )
    except Failure as failure:
        return Finding(
            "storage", FAILED if failure.code == UNREACHABLE else SKIPPED, failure.what, failure.next_step
        )
    if found:
        named = ", ".join(found[:5])
        return Finding("storage", FAILED, f"{len(found)} entries do not open: {named}", "Restore a backup.")
    return Finding("storage", PASSED, "every entry opens")
