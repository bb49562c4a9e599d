"""JSON merge patch (RFC 7396) on JSON text: what the patch does not name stays byte for byte."""

import msgspec
from msgspec import Raw

from strongroom.errors import InvalidRequest

_object = msgspec.json.Decoder(dict[str, Raw])


def members(text: bytes) -> dict[str, Raw]:
    """An object's members, their text untouched. Raises InvalidRequest for anything but an object."""
    try:
        return _object.decode(text)
    except msgspec.DecodeError:
        raise InvalidRequest("an object is expected") from None


def is_object(text: bytes) -> bool:
    """Whether valid JSON text is an object."""
    return text.lstrip()[:1] == b"{"


def merge(target: bytes, patch: bytes) -> bytes:
    """Apply a merge patch: null removes a member, objects merge, anything else replaces."""
    if not is_object(patch):
        return patch.strip()
    merged = members(target) if is_object(target) else {}
    for name, value in members(patch).items():
        text = bytes(value)
        if text.strip() == b"null":
            merged.pop(name, None)
        elif is_object(text):
            merged[name] = Raw(merge(bytes(merged.get(name, b"")), text))
        else:
            merged[name] = value
    return msgspec.json.encode(merged)
