"""Connection URLs of MariaDB and MySQL, in the form that Vault's clients write: Go's driver's."""

import re
from typing import Any

from strongroom.errors import InvalidRequest

_URL = re.compile(
    r"(?P<user>[^:@/()]*)(?::(?P<password>.*))?@(?:tcp\((?P<host>\[[^\]]+\]|[^:()]+)(?::(?P<port>\d{1,5}))?\))"
    r"/(?P<database>[\w$-]*)(?:\?(?P<options>[\w=&.-]*))?"
)
HIDDEN = "*****"
_PLACE = re.compile(r"\{\{\s*(username|password)\s*\}\}")


def address(url: str, username: str, password: str) -> dict[str, Any]:
    """The connection's parameters from `user:password@tcp(host:port)/database?tls=true`.

    Raises InvalidRequest for a URL that cannot be read or names a socket of this host.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise InvalidRequest("connection_url must read {{username}}:{{password}}@tcp(host:port)/database")
    given = {"username": username, "password": password}
    place = _PLACE.fullmatch(found["user"] or ""), _PLACE.fullmatch(found["password"] or "")
    return {
        "host": found["host"].strip("[]"),
        "port": int(found["port"] or 3306),
        "user": given[place[0][1]] if place[0] else found["user"] or username,
        "password": given[place[1][1]] if place[1] else found["password"] or password,
        "database": found["database"] or None,
        "tls": _tls(found["options"] or ""),
    }


def shown(url: str) -> str:
    """The URL without a password that stands in it."""
    found = _URL.fullmatch(url)
    if found is None or not found["password"] or _PLACE.fullmatch(found["password"]):
        return url
    return url[: found.start("password")] + HIDDEN + url[found.end("password") :]


def _tls(options: str) -> str:
    """What the URL asks of TLS: nothing, `true` or `skip-verify`."""
    parts = dict(option.partition("=")[::2] for option in options.split("&") if option)
    tls = parts.get("tls", "")
    if tls not in ("", "true", "false", "skip-verify", "preferred"):
        raise InvalidRequest("connection_url: tls is true, false or skip-verify")
    return "" if tls == "false" else tls
