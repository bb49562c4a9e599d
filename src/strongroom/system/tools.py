"""`sys/tools`: random bytes and hashes. Source: Vault's API page /sys/tools."""

import base64
import binascii
import hashlib
from typing import Annotated, Literal

from msgspec import Meta

from strongroom.crypto.random import random_bytes
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Fields, Response, Route

MAX_RANDOM = 128 * 1024
_HASHES = {
    "sha2-224": "sha224",
    "sha2-256": "sha256",
    "sha2-384": "sha384",
    "sha2-512": "sha512",
    "sha3-224": "sha3_224",
    "sha3-256": "sha3_256",
    "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
}
Format = Literal["base64", "hex"]


class Random(Fields, frozen=True):
    """How many bytes, from the path or the body."""

    urlbytes: int | None = None
    bytes: int = 32
    format: Format = "base64"
    source: Literal["platform", "seal", "all", ""] = "platform"
    first: str = ""


class Hash(Fields, frozen=True):
    """What to hash, in base64, and how."""

    input: Annotated[str, Meta(description="Base64 of the bytes to hash.")] = ""
    urlalgorithm: str = ""
    algorithm: str = "sha2-256"
    format: Format = "hex"


def _formatted(value: bytes, form: Format) -> str:
    return value.hex() if form == "hex" else base64.b64encode(value).decode()


async def random(ctx: Context, req: Random) -> Response:
    count = req.bytes if req.urlbytes is None else req.urlbytes
    if not 1 <= count <= MAX_RANDOM:
        raise InvalidRequest(f"bytes should be between 1 and {MAX_RANDOM}")
    return Response({"random_bytes": _formatted(random_bytes(count), req.format)})


async def hashed(ctx: Context, req: Hash) -> Response:
    name = _HASHES.get(req.urlalgorithm or req.algorithm)
    if name is None:
        raise InvalidRequest(f"unsupported algorithm; there are: {', '.join(_HASHES)}")
    try:
        value = base64.b64decode(req.input, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("unable to decode input as base64") from None
    return Response({"sum": _formatted(hashlib.new(name, value).digest(), req.format)})


ROUTES = (
    Route(path="tools/random", write=random, summary="Random bytes."),
    Route(path="tools/random/{urlbytes}", write=random, summary="That many random bytes."),
    Route(
        path="tools/random/{first}/{urlbytes}",
        write=random,
        summary="Random bytes from a named source (`platform` is the only one).",
    ),
    Route(path="tools/hash", write=hashed, summary="Hash bytes."),
    Route(path="tools/hash/{urlalgorithm}", write=hashed, summary="Hash bytes with that algorithm."),
)
