"""Connection strings of PostgreSQL: a URL or `key=value` text, as libpq reads them.

Source: PostgreSQL 15 manual §34.1 (connection strings, parameter key words).
"""

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from strongroom.errors import InvalidRequest

# What a connection URL may set. Nothing that names a file, a program or a service of this host.
ALLOWED = {
    *("host", "hostaddr", "port", "dbname", "user", "password", "application_name", "connect_timeout"),
    *("sslmode", "sslsni", "ssl_min_protocol_version", "channel_binding", "require_auth"),
    *("target_session_attrs", "load_balance_hosts", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
}
_MARKS = {"username": "strongroom-username-mark", "password": "strongroom-password-mark"}
HIDDEN = "*****"
_USER_AND_PASSWORD = re.compile(r"://[^/?#]*:[^/?#]+@")
_PLACE = re.compile(r"\{\{\s*(username|password)\s*\}\}")


def conninfo(url: str, username: str, password: str) -> dict[str, Any]:
    """The connection's parameters; name and password take their places after the URL is taken apart.

    Raises InvalidRequest for a URL that cannot be read or sets what it must not.
    """
    try:
        found = conninfo_to_dict(_PLACE.sub(lambda place: _MARKS[place[1]], url))
    except psycopg.Error:
        raise InvalidRequest("connection_url cannot be read") from None
    refused = sorted(set(found) - ALLOWED)
    if refused:
        raise InvalidRequest(f"connection_url must not set {', '.join(refused)}")
    if any(str(found.get(name, "")).startswith(("/", "@")) for name in ("host", "hostaddr")):
        raise InvalidRequest("connection_url names a socket of this host; name a host")
    if not found.get("host") and not found.get("hostaddr"):
        raise InvalidRequest("connection_url names no host")
    given = {_MARKS["username"]: username, _MARKS["password"]: password}
    filled_in = {name: given.get(str(value), value) for name, value in found.items()}
    return {"user": username, "password": password, **filled_in}


def shown(url: str) -> str:
    """The connection string without a password that stands in it: then as `key=value` text."""
    marked = _PLACE.sub(lambda place: _MARKS[place[1]], url)
    found = {name: str(value) for name, value in conninfo_to_dict(marked).items()}
    bare = marked.replace(_MARKS["password"], "")
    twice = bare.count("password") > 1 or _USER_AND_PASSWORD.search(bare) is not None
    if not twice and found.get("password", _MARKS["password"]) == _MARKS["password"]:
        return url
    return make_conninfo(**{**found, "password": HIDDEN}).replace(_MARKS["username"], "{{username}}")
