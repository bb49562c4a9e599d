"""The options every device takes, as Vault spells them, and what the configuration allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from strongroom.audit.devices.outbound import Outbound
from strongroom.clock import Clock
from strongroom.errors import InvalidRequest

SECRET_OPTIONS = frozenset({"token", "hmac_key", "headers"})
T = TypeVar("T", bound="Options")


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of Vault that change an entry have one value here: the log is written once, for all.

    Values are always keyed hashes, and a prefix would let a line become something else.
    """

    format: Literal["json"] = "json"
    prefix: Literal[""] = ""
    log_raw: Literal["false"] = "false"
    hmac_accessor: Literal["true"] = "true"
    elide_list_responses: Literal["false"] = "false"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


Timeout = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,3}s?$")]


def seconds(timeout: str) -> float:
    """Seconds of a validated timeout such as `2s`."""
    return float(timeout.removesuffix("s"))


@dataclass(frozen=True, slots=True)
class DevicePolicy:
    """What the server's configuration lets a device reach.

    A file device writes below `file_directory` only, and nowhere when it is None.
    """

    outbound: Outbound
    clock: Clock
    file_directory: Path | None = None


def read_options(kind: type[T], options: Mapping[str, object]) -> T:
    """Validate a device's options; numbers and booleans may be given as such.

    Raises InvalidRequest naming the option; values are never repeated.
    """
    spelled = {name: _spell(value) for name, value in options.items()}
    unknown = sorted(set(spelled) - set(kind.__struct_fields__))
    if unknown:
        raise InvalidRequest(f"unknown audit device option: {', '.join(unknown)}")
    for name, value in spelled.items():
        try:
            msgspec.convert({name: value}, type=_one(kind, name))
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"audit device option {name!r} has a value that is not supported") from error
    try:
        return msgspec.convert(spelled, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"audit device options: {error}") from error


def visible_options(options: Mapping[str, object]) -> dict[str, object]:
    """Options as they may be shown: without credentials."""
    return {name: value for name, value in options.items() if name not in SECRET_OPTIONS}


def _spell(value: object) -> object:
    """JSON booleans and numbers as the strings Vault's options are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _one(kind: type[Options], name: str) -> type:
    """A struct with just that option, so that an error is about it alone."""
    field = next(field for field in msgspec.structs.fields(kind) if field.name == name)
    return msgspec.defstruct("Option", [(name, field.type)])
