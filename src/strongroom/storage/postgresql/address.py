"""Where the database is: a URL without a password, and the settings that are not in it.

Off loopback the connection is encrypted and the server's certificate is checked, unless told otherwise.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from strongroom.errors import InvalidRequest
from strongroom.sensitive import Sensitive

SCHEMES = ("postgresql://", "postgres://")
PASSWORD_VARIABLE = "STRONGROOM_STORAGE_PASSWORD"
KEY_PASSWORD_VARIABLE = "STRONGROOM_STORAGE_KEY_PASSWORD"
TLS_MODES = ("disable", "require", "verify-ca", "verify-full")
CHECKED_MODES = ("verify-ca", "verify-full")
# What libpq would take from the URL too: there it would be on the command line and in what names the store.
_SECRETS = {
    "password": f"storage.password_file or {PASSWORD_VARIABLE}",
    "sslpassword": f"storage.key_password_file or {KEY_PASSWORD_VARIABLE}",
    "oauth_client_secret": "",
    "scram_client_key": "",
    "scram_server_key": "",
}
# How soon a connection that leads nowhere is found out, in seconds (tcp_user_timeout in milliseconds).
_TRANSPORT = {
    "connect_timeout": "3",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


@dataclass(frozen=True, slots=True)
class Address:
    """What libpq needs to connect; `shown` has hosts and database only."""

    conninfo: Sensitive[str]
    shown: str
    weak: bool = False
    """Whether someone on the path could read or change what is sent."""


def address(
    url: str,
    *,
    password_file: str = "",
    key_password_file: str = "",
    tls: str = "",
    tls_ca: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Address:
    """Put the connection's settings together. Raises InvalidRequest."""
    if not url.startswith(SCHEMES):
        raise InvalidRequest("a PostgreSQL store is named by a URL: postgresql://user@host/database")
    try:
        settings = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise InvalidRequest("the PostgreSQL URL cannot be read") from None
    _check_secrets(settings)
    _check_lists(settings)
    hosts = [host for host in str(settings.get("host", "")).split(",") if host]
    named = {key: str(value) for key, value in settings.items() if value is not None}
    mode = _mode(tls or named.get("sslmode", ""), hosts)
    named |= {"sslmode": mode, **({"sslrootcert": tls_ca} if tls_ca else {})}
    if mode == "verify-full" and "sslrootcert" not in named:
        named["sslrootcert"] = "system"
    shown = _shown(named, hosts)
    secret = {
        "password": _password(password_file, PASSWORD_VARIABLE, environment),
        "sslpassword": _password(key_password_file, KEY_PASSWORD_VARIABLE, environment),
    }
    conninfo = make_conninfo(
        "",
        **{**_TRANSPORT, **named},
        **{key: value for key, value in secret.items() if value},
        application_name="strongroom",
        target_session_attrs="read-write",
    )
    weak = mode not in CHECKED_MODES and not all(map(_near, hosts))
    return Address(Sensitive(conninfo), shown, weak)


def _check_secrets(settings: Mapping[str, object]) -> None:
    for key in settings.keys() & _SECRETS.keys():
        place = _SECRETS[key]
        raise InvalidRequest(
            f"the PostgreSQL URL holds a {'password' if key == 'password' else f'credential ({key})'}; "
            + (f"give it in {place}" if place else "it is not supported")
        )


def _check_lists(settings: Mapping[str, object]) -> None:
    """What connecting takes from the URL by itself: one port for all hosts or each its own, and a time."""
    many = {key: str(settings.get(key, "")).count(",") + 1 for key in ("host", "hostaddr", "port")}
    if not set(many.values()) <= {1, max(many["host"], many["hostaddr"])}:
        raise InvalidRequest("the PostgreSQL URL does not name one port, or address, for each host")
    seconds = str(settings.get("connect_timeout", "1"))
    if not re.fullmatch(r"[1-9][0-9]{0,3}", seconds):
        raise InvalidRequest("connect_timeout in the PostgreSQL URL is a number of seconds, 1 or more")


def _mode(wanted: str, hosts: list[str]) -> str:
    if wanted and wanted not in TLS_MODES:
        raise InvalidRequest(f"the TLS mode of the store is one of {', '.join(TLS_MODES)}")
    return wanted or ("disable" if all(map(_near, hosts)) else "verify-full")


def _near(host: str) -> bool:
    """Whether what is sent to `host` stays on this machine."""
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(named: Mapping[str, str], hosts: list[str]) -> str:
    ports = named.get("port", "5432").split(",")
    places = [
        f"{host}:{ports[number if len(ports) > 1 else 0]}"
        for number, host in enumerate(hosts or ["localhost"])
    ]
    return f"postgresql://{','.join(places)}/{named.get('dbname', '')}"


def _password(file: str, variable: str, environment: Mapping[str, str]) -> str:
    if not file:
        return environment.get(variable, "")
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InvalidRequest(f"the store's password cannot be read from {file}") from None
