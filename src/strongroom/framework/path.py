"""The canonical path: made once at the edge, used by router, ACL, quota and audit alike.

A path is text without a leading slash. Only listing may end it with a slash.
What is not canonical is refused, never repaired (security rule 1).
"""

from typing import NewType
from urllib.parse import unquote_to_bytes

from strongroom.errors import InvalidRequest

CanonicalPath = NewType("CanonicalPath", str)

MAX_BYTES = 4096
_FORBIDDEN_RAW = (b"%2f", b"%2F", b"%5c", b"%5C", b"\\")


def canonical(raw: bytes) -> CanonicalPath:
    """Turn the raw request target below `/v1/` (percent-encoded, no query) into the one path object.

    Raises InvalidRequest for `.`, `..` and empty segments, control characters,
    backslashes, encoded slashes, bytes that are not UTF-8, and over-long paths.
    Unicode is kept as it is: never folded, never normalised.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidRequest(f"path is longer than {MAX_BYTES} bytes")
    if b"%" in raw or b"\\" in raw:
        if any(form in raw for form in _FORBIDDEN_RAW):
            raise InvalidRequest("path holds a backslash or an encoded slash")
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("path is not UTF-8") from None
    return checked(text)


def checked(text: str) -> CanonicalPath:
    """Check decoded `text` against the same rules as `canonical`."""
    if not text.isprintable() and any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text):
        raise InvalidRequest("path holds a control character")
    framed = f"/{text}" if text.endswith("/") else f"/{text}/"
    if "//" in framed or "/./" in framed or "/../" in framed or "\\" in framed:
        raise InvalidRequest("path holds an empty, '.' or '..' segment or a backslash")
    return CanonicalPath(text)


def segments(path: str) -> tuple[str, ...]:
    """The segments of a path; a trailing slash adds none."""
    return tuple(path.rstrip("/").split("/"))
