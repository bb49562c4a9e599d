"""Request structs and the lenient forms that Vault's clients send.

A number may come as text, a duration as `90`, `"90s"` or `"1h30m"`, a list as
`"a,b"`. The annotation on the field says which; decoding is the validation.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from strongroom.errors import InvalidRequest


class Fields(Struct, frozen=True):
    """Base of every request struct; path captures win over the body, unknown members are ignored."""


Seconds = Annotated[int, Meta(extra={"wire": "duration"}, extra_json_schema={"format": "seconds"})]
CommaList = Annotated[tuple[str, ...], Meta(extra={"wire": "list"})]
Cidrs = Annotated[tuple[str, ...], Meta(extra={"wire": "cidrs"})]
Pairs = Annotated[dict[str, str], Meta(extra={"wire": "pairs"})]
Texts = Annotated[tuple[str, ...], Meta(extra={"wire": "texts"})]

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+")
MAX_SECONDS = 2**53

T = TypeVar("T", bound=Fields)


def seconds(value: object) -> int:
    """Parse a duration as Vault does: a number of seconds, or Go's `1h30m` form (and `d` for days).

    Raises InvalidRequest for anything else, negative or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidRequest("a duration is a number of seconds or text such as 90s or 1h")
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0
        if _WHOLE.fullmatch(text):
            number = sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text))
        elif re.fullmatch(r"\d{1,18}", text, re.ASCII):
            number = int(text)
        else:
            raise InvalidRequest("a duration is a number of seconds or text such as 90s or 1h")
    else:
        number = value
    if not 0 <= number <= MAX_SECONDS:
        raise InvalidRequest("a duration is out of range")
    return int(number)


def comma_list(value: object) -> list[str]:
    """Accept a list of text or `"a,b"`; blanks around and empty members fall away."""
    if value is None:
        return []
    members = value.split(",") if isinstance(value, str) else value
    if not isinstance(members, list | tuple) or not all(isinstance(m, str | int | float) for m in members):
        raise InvalidRequest("a list of text, or text with commas, is expected")
    return [text for m in members if (text := str(m).strip())]


def cidr_list(value: object) -> list[str]:
    """Accept a list of addresses or `"a,b"`. Blank members stay, and are refused: none would mean any."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    members = value.split(",") if isinstance(value, str) else value
    if not isinstance(members, list | tuple) or not all(isinstance(member, str) for member in members):
        raise InvalidRequest("a list of addresses, or text with commas, is expected")
    return [member.strip() for member in members]


def texts(value: object) -> list[str]:
    """Accept a list of text, or one text as a list of it; nothing is split."""
    members = [value] if isinstance(value, str) else value
    if not isinstance(members, list | tuple) or not all(isinstance(member, str) for member in members):
        raise InvalidRequest("a list of text is expected")
    return list(members)


def pairs(value: object) -> dict[str, str]:
    """Accept an object of text values, or a list of `key=value`."""
    if value is None:
        return {}
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        split = [str(member).partition("=") for member in value]
        value = {key.strip(): rest for key, _, rest in split}
    if not isinstance(value, dict):
        raise InvalidRequest("an object of text values is expected")
    return {str(key): member if isinstance(member, str) else _text(member) for key, member in value.items()}


def _text(member: object) -> str:
    if isinstance(member, bool):
        return "true" if member else "false"
    if isinstance(member, int | float):
        return str(member)
    raise InvalidRequest("an object of text values is expected")


_CONVERTERS: dict[str, Callable[[object], object]] = {
    "duration": seconds,
    "list": comma_list,
    "cidrs": cidr_list,
    "pairs": pairs,
    "texts": texts,
}


@cache
def converters(kind: type[Fields]) -> dict[str, Callable[[object], object]]:
    """The lenient converters of a request struct, by wire name; many routes share one."""
    found = {}
    for member in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]  # a StructType
        for layer in _layers(member.type):
            if isinstance(layer, msgspec.inspect.Metadata) and layer.extra and "wire" in layer.extra:
                found[member.encode_name] = _CONVERTERS[layer.extra["wire"]]
    return found


def _layers(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    if isinstance(kind, msgspec.inspect.UnionType):
        return [layer for option in kind.types for layer in _layers(option)]
    if isinstance(kind, msgspec.inspect.Metadata):
        return [kind, *_layers(kind.type)]
    return [kind]


def decode(kind: type[T], fields: Mapping[str, Any], lenient: Mapping[str, Callable[[object], object]]) -> T:
    """Make the request struct; raises InvalidRequest naming the field and the type, never the value."""
    if lenient:
        fields = {
            name: _converted(name, lenient[name], value) if name in lenient and value is not None else value
            for name, value in fields.items()
        }
    try:
        return _convert(kind, fields)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_without_input(str(error))) from None


def _convert(kind: type[T], fields: Mapping[str, Any]) -> T:
    """A null where the field cannot hold one means that it was not sent, as Go's decoder has it."""
    try:
        return msgspec.convert(fields, kind, strict=False, str_keys=True)
    except msgspec.ValidationError:
        may_be_null = _nullable(kind)
        sent = {name: value for name, value in fields.items() if value is not None or name in may_be_null}
        if len(sent) == len(fields):
            raise
        return msgspec.convert(sent, kind, strict=False, str_keys=True)


@cache
def _nullable(kind: type[Fields]) -> frozenset[str]:
    """The wire names of the members that may be null."""
    holds_null = (msgspec.inspect.NoneType, msgspec.inspect.AnyType)
    return frozenset(
        member.encode_name
        for member in msgspec.inspect.type_info(kind).fields  # type: ignore[attr-defined]  # a StructType
        if any(isinstance(layer, holds_null) for layer in _layers(member.type))
    )


def _converted(name: str, convert: Callable[[object], object], value: object) -> object:
    try:
        return convert(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"field '{name}': {error}") from None


def _without_input(message: str) -> str:
    """msgspec quotes the offending value for enums and literals; the caller gets the field only."""
    problem, _, where = message.partition(" - at ")
    if problem.startswith("Invalid"):
        problem = "Invalid value"
    if where.startswith("`key in"):
        where = ""
    missing = re.match(r"Object missing required field `(\w+)`", problem)
    if missing:
        return f"missing required field '{missing[1]}'"
    field = where.strip("`").removeprefix("$").lstrip(".")
    return f"field '{field}': {problem}" if field else problem
