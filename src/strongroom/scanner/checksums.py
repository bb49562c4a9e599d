"""Checks that providers built into their tokens: a wrong one is no token.

Each entry has `check(secret)` and `make(prefix, draw)`, which builds a token
that passes, for examples. `draw(alphabet, count)` gives seeded random text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[str, int], str]

ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE64URL = ALNUM + "-_"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Checksum(NamedTuple):
    """One provider's rule.

    `firm`: a secret that fails it is dropped; else it is kept with low confidence,
    as a token with a mistyped or altered character.
    """

    check: Callable[[bytes], bool]
    make: Callable[[str, Draw], str]
    firm: bool = False


def _digits(number: int, base: int, width: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, base)
        text = ALNUM[rest] + text
    return text.rjust(width, "0")


def _github_sum(body: str) -> str:
    """CRC-32 of the random part, base 62, six digits. Source: github.blog, 2021-04-05."""
    return _digits(binascii.crc32(body.encode()), 62, 6)


def _github_check(secret: bytes) -> bool:
    body = secret.decode("ascii", "replace").partition("_")[2]
    return len(body) < 36 or _github_sum(body[:-6]) == body[-6:]


def _github_make(prefix: str, draw: Draw) -> str:
    body = draw(ALNUM, 30)
    return prefix + body + _github_sum(body)


def _decoded(text: bytes) -> bytes:
    """Base64 of either alphabet, padded or not; b"" when it is neither."""
    text = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _pypi_check(secret: bytes) -> bool:
    """A version 2 macaroon whose location is an index. Source: the libmacaroons v2 format, warehouse."""
    body = _decoded(secret.removeprefix(b"pypi-"))
    end = 3 + body[2] if len(body) > 3 else 0
    framed = body[:2] == b"\x02\x01" and body[end : end + 1] == b"\x02"  # the identifier's field follows
    return framed and body[3:end].startswith((b"pypi.", b"test.pypi."))


def _pypi_make(prefix: str, draw: Draw) -> str:
    """The prefix holds version, field and location; an identifier follows them."""
    body = (
        _decoded((prefix or "pypi-AgEIcHlwaS5vcmc").removeprefix("pypi-").encode())
        + b"\x02\x24"
        + draw(ALNUM, 110).encode()
    )
    return "pypi-" + base64.urlsafe_b64encode(body).decode().rstrip("=")


def _json(part: bytes) -> object:
    try:
        return json.loads(_decoded(part))
    except ValueError:
        return None


def _jwt_check(secret: bytes) -> bool:
    """The first part is a JSON object with `alg`. Source: RFC 7519."""
    header = _json(secret.split(b".", 1)[0])
    return isinstance(header, dict) and "alg" in header


def _jwt_make(prefix: str, draw: Draw) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": draw(ALNUM, 12), "iat": 1700000000})
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(p, separators=(",", ":")).encode()).decode().rstrip("=")
        for p in parts
    )
    return f"{prefix}{text}.{draw(BASE64URL, 43)}"


def _base58_check(secret: bytes) -> bool:
    """Base58Check: the last four bytes are a double SHA-256. Source: Bitcoin wiki."""
    number = 0
    for char in secret.decode("ascii", "replace"):
        if (digit := BASE58.find(char)) < 0:
            return False
        number = number * 58 + digit
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _base58_make(prefix: str, draw: Draw) -> str:
    """A Bitcoin WIF key; "5" for the uncompressed form, else compressed."""
    raw = b"\x80" + bytes.fromhex(draw("0123456789abcdef", 64)) + (b"" if prefix == "5" else b"\x01")
    number = int.from_bytes(raw + hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return text


def _gitlab_sum(body: str) -> str:
    """CRC-32 of all that stands before it, base 36, seven digits. Source: GitLab, routable tokens."""
    return _digits(binascii.crc32(body.encode()), 36, 7).lower()


def _gitlab_check(secret: bytes) -> bool:
    text = secret.decode("ascii", "replace")
    return "." not in text or _gitlab_sum(text[:-7]) == text[-7:]


def _gitlab_make(prefix: str, draw: Draw) -> str:
    body = f"{prefix}{draw(BASE64URL, 40)}.01.0z"
    return body + _gitlab_sum(body)


def _crc_tail_check(secret: bytes) -> bool:
    """`..._<8 hex>`: CRC-32 of all before the last `_`, little endian. Source: Grafana."""
    body, _, tail = secret.rpartition(b"_")
    return binascii.crc32(body).to_bytes(4, "little").hex().encode() == tail


def _crc_tail_make(prefix: str, draw: Draw) -> str:
    body = prefix + draw(ALNUM, 32)
    return f"{body}_{binascii.crc32(body.encode()).to_bytes(4, 'little').hex()}"


def _discord_check(secret: bytes) -> bool:
    """The first part is the bot's decimal id in base64."""
    return _decoded(secret.split(b".", 1)[0]).isdigit()


def _discord_make(prefix: str, draw: Draw) -> str:
    head = base64.b64encode(("1" + draw("0123456789", 17)).encode()).decode()
    return f"{prefix}{head}.{draw(BASE64URL, 6)}.{draw(BASE64URL, 38)}"


CHECKSUMS: dict[str, Checksum] = {
    "github": Checksum(_github_check, _github_make),
    "npm": Checksum(_github_check, _github_make),
    "pypi": Checksum(_pypi_check, _pypi_make, firm=True),
    "jwt": Checksum(_jwt_check, _jwt_make, firm=True),
    "base58": Checksum(_base58_check, _base58_make, firm=True),
    "gitlab_routable": Checksum(_gitlab_check, _gitlab_make),
    "grafana": Checksum(_crc_tail_check, _crc_tail_make),
    "discord": Checksum(_discord_check, _discord_make, firm=True),
}
