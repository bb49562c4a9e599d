"""The configuration file: TOML into structs. Every key is listed in docs/configuration.md.

An unknown key is an error that names its line and the nearest known one.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from strongroom.server.backup_settings import BackupSettings
from strongroom.server.limits import Limits
from strongroom.server.problems import StartFailed
from strongroom.server.seal_settings import SealSettings
from strongroom.server.telemetry import TelemetrySettings

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`(?: - at `\$\.?([^`]*)`)?")
STORAGE, SEAL = "storage", "seal"
_GUIDE = "See docs/configuration.md for every key."


class Storage(Struct, frozen=True, forbid_unknown_fields=True):
    """`[storage]`: where ciphertext is kept. `cache_bytes` of it stay in memory.

    The other keys are for `postgresql`: `url` without a password, which is in `password_file` or in the
    environment, as the one of a client key is in `key_password_file`; `tls` is a mode of its own
    documentation, `tls_ca` a PEM file.
    """

    kind: Literal["sqlite", "memory", "postgresql"] = "sqlite"
    cache_bytes: int = 32 * 1024 * 1024
    url: str = ""
    password_file: str = ""
    key_password_file: str = ""
    tls: str = ""
    tls_ca: str = ""


class Crypto(Struct, frozen=True, forbid_unknown_fields=True):
    """`[crypto]`: `fips` starts the server only in FIPS mode, without what is not approved: docs/fips.md."""

    fips: bool = False


class Operator(Struct, frozen=True, forbid_unknown_fields=True):
    """`[operator]`: ceremonies that need key shares but no token. Off: they need a token too."""

    unauthenticated_rekey: bool = False
    unauthenticated_generate_root: bool = False


class Device(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[audit.devices]]`: a sink fed from the audit log."""

    path: str
    kind: Literal["file", "syslog", "socket", "http"]
    options: dict[str, str] = {}


class Audit(Struct, frozen=True, forbid_unknown_fields=True):
    """`[audit]`: sinks declared here, and whether the API may add some.

    A file device writes only below `file_directory`; without one there are no file devices.
    The others reach only what `outbound` names: `host`, `host:port` or `unix:/path`.
    """

    api_devices: bool = False
    file_directory: str = ""
    outbound: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    """`[rotation]`: the hosts that declared targets of rotation plans may reach: `host` or `host:port`."""

    outbound: tuple[str, ...] = ()


class Incidents(Struct, frozen=True, forbid_unknown_fields=True):
    """`[incidents]`: the hosts that webhooks may reach: `host` or `host:port`."""

    outbound: tuple[str, ...] = ()


class Clock(Struct, frozen=True, forbid_unknown_fields=True):
    """`[clock]`: a store that seems to have been closed for more days than these stays closed."""

    longest_closed_days: Annotated[int, Meta(ge=1)] = 400


class Proxy(Struct, frozen=True, forbid_unknown_fields=True):
    """`[proxy]`: networks whose `X-Forwarded-For` is believed."""

    trusted: tuple[str, ...] = ()


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[log]`: the operator's log on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. Paths are text; those that are relative are taken from the working directory."""

    listen: str = "127.0.0.1:8200"
    data: str = ""
    plain_http: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    client_ca: str = ""
    require_client_cert: bool = False
    storage: Storage = Storage()
    seal: tuple[SealSettings, ...] = ()
    crypto: Crypto = Crypto()
    operator: Operator = Operator()
    audit: Audit = Audit()
    backup: BackupSettings = BackupSettings()
    rotation: Rotation = Rotation()
    incidents: Incidents = Incidents()
    limits: Limits = Limits()
    proxy: Proxy = Proxy()
    clock: Clock = Clock()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()


def load(path: Path | None, flags: Mapping[str, str | None]) -> Config:
    """Read the file, if any, and let the flags win. Raises StartFailed."""
    text = _read(path) if path is not None else ""
    name = str(path) if path is not None else "the command line"
    tree = _parse(text, name)
    tree.update({key: value for key, value in flags.items() if value is not None and key != STORAGE})
    _name_store(tree, flags.get(STORAGE))
    if isinstance(tree.get(SEAL), dict):
        tree[SEAL] = [tree[SEAL]]  # one seal may be a plain table
    try:
        return msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        raise _explained(str(error), text, name) from None


def _name_store(tree: dict[str, Any], flag: str | None) -> None:
    """`storage` may be the store's URL alone, in the file or as a flag."""
    stated = tree.get(STORAGE)
    url = flag or (stated if isinstance(stated, str) else None)
    if url is not None:
        more = stated if isinstance(stated, dict) else {}
        tree[STORAGE] = {**more, "kind": "postgresql", "url": url}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StartFailed(
            f"cannot read the configuration file {path}", f"{reason}", "Check the path and its permissions."
        ) from None


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StartFailed(f"{name} is not TOML", str(error), _GUIDE) from None


def _explained(message: str, text: str, name: str) -> StartFailed:
    unknown = _UNKNOWN.fullmatch(message)
    if unknown is None:
        return StartFailed(f"{name} holds a wrong value", message, _GUIDE)
    key, place = unknown[1], (unknown[2] or "").partition("[")[0]
    line = _line_of(text, place, key)
    where = f"{name}, line {line}" if line else name
    near = difflib.get_close_matches(key, _known_keys(place), n=1, cutoff=0.5)
    shown = f"{place}.{key}" if place else key
    advice = f"Did you mean '{near[0]}'? " if near else ""
    return StartFailed(f"{where}: unknown key '{shown}'", f"Known keys are: {_list(place)}.", advice + _GUIDE)


def _known_keys(place: str) -> list[str]:
    kind: Any = Config
    for part in filter(None, place.split(".")):
        kind = {"devices": Device, SEAL: SealSettings}.get(part) or type(getattr(kind(), part))
    return list(kind.__struct_fields__)


def _list(place: str) -> str:
    return ", ".join(_known_keys(place))


def _line_of(text: str, place: str, key: str) -> int:
    """The line that sets `key` in the table `place`; 0 when it cannot be told."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[{1,2}\s*([^\]]+?)\s*\]", line)
        if header:
            table = header[1].replace(" ", "").replace('"', "")
            if table == f"{place}.{key}".lstrip("."):
                return number
        elif table == place and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return 0
