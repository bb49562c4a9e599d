"""Settings of the client, and which source won.

flag, then environment, then `.strongroom.toml` found by walking up, then
`~/.config/strongroom/config.toml`, then the default. A directory's file comes with a
checkout, so it may not weaken TLS, and a server it names must be one that was logged in to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from strongroom.cli.errors import USAGE, Failure, near

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY_FILE = ".strongroom.toml"
DEFAULT_ADDRESS = "http://127.0.0.1:8200"
PREFIXES = ("STRONGROOM_", "VAULT_", "BAO_")


class Setting(NamedTuple):
    """A setting: its name in files and flags, in the environment (after the prefix), and by default."""

    name: str
    variable: str
    default: str = ""
    in_directory: bool = False


SETTINGS = (
    Setting("address", "ADDR", DEFAULT_ADDRESS, in_directory=True),
    Setting("namespace", "NAMESPACE", in_directory=True),
    Setting("ca_cert", "CACERT"),
    Setting("client_cert", "CLIENT_CERT"),
    Setting("client_key", "CLIENT_KEY"),
    Setting("tls_server_name", "TLS_SERVER_NAME"),
    Setting("skip_verify", "SKIP_VERIFY", "false"),
    Setting("timeout", "CLIENT_TIMEOUT", "60"),
    Setting("retries", "MAX_RETRIES", "2"),
    Setting("format", "FORMAT", "table", in_directory=True),
    Setting("trusted_addresses", "TRUSTED_ADDRESSES"),
)


class Chosen(NamedTuple):
    """A value and where it is from: a flag, a variable, a file, or `default`."""

    value: str
    source: str


class Place(NamedTuple):
    """Where settings are looked for."""

    environ: Mapping[str, str]
    directory: Path
    home: Path

    @property
    def user_file(self) -> Path:
        """The user's own file."""
        base = self.environ.get("XDG_CONFIG_HOME")
        return (Path(base) if base else self.home / ".config") / "strongroom" / "config.toml"


def resolve(flags: Mapping[str, str | None], place: Place) -> dict[str, Chosen]:
    """Every setting with its source. Raises Failure for a file that cannot be used."""
    nearest = _nearest(place.directory)
    directory = _read(nearest, directory=True) if nearest else {}
    user = _read(place.user_file, directory=False) if place.user_file.is_file() else {}
    found = {}
    for setting in SETTINGS:
        flag = flags.get(setting.name)
        variable = next(
            (p + setting.variable for p in PREFIXES if place.environ.get(p + setting.variable)), ""
        )
        if flag is not None:
            found[setting.name] = Chosen(flag, f"--{setting.name.replace('_', '-')}")
        elif variable:
            found[setting.name] = Chosen(place.environ[variable], variable)
        elif setting.name in directory:
            found[setting.name] = Chosen(directory[setting.name], str(nearest))
        elif setting.name in user:
            found[setting.name] = Chosen(user[setting.name], str(place.user_file))
        else:
            found[setting.name] = Chosen(setting.default, "default")
    return found


def from_directory(chosen: Chosen) -> bool:
    """Whether a value comes from a directory's file."""
    return chosen.source.endswith(DIRECTORY_FILE)


def _nearest(directory: Path) -> Path | None:
    for folder in (directory, *directory.parents):
        if (folder / DIRECTORY_FILE).is_file():
            return folder / DIRECTORY_FILE
    return None


def _read(path: Path, *, directory: bool) -> dict[str, str]:
    import tomllib  # noqa: PLC0415 (only when there is a file)

    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(USAGE, f"cannot read {path}", str(error), "Correct the file or remove it.") from None
    known = {setting.name: setting for setting in SETTINGS}
    for key in tree:
        allowed = [name for name in known if known[name].in_directory or not directory]
        if key not in allowed:
            why = "A directory's file may set " if directory else "The keys are "
            raise Failure(
                USAGE,
                f"{path}: the key '{key}' is not allowed here",
                f"{why}{', '.join(allowed)}.",
                near(key, allowed, f"Set it in ~/.config/strongroom/config.toml, or remove '{key}'."),
            )
    return {key: _text(value) for key, value in tree.items()}


def _text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(member) for member in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
