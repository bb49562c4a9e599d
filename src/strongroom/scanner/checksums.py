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
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
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


def _unpacked(text: str) -> bytes:
    """Base32 without padding; b"" when it is none."""
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        return b""


def _nkey_check(secret: bytes) -> bool:
    """The last two bytes are a CRC-16 (XMODEM) of those before, little endian. Source: nats-io/nkeys."""
    raw = _unpacked(secret.decode("ascii", "replace"))
    return len(raw) > 2 and binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:]


def _nkey_make(prefix: str, draw: Draw) -> str:
    """The first letters tell that it is a seed, and whose."""
    raw = _unpacked(prefix + draw(BASE32, 56 - len(prefix)))[:34]
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


def _sentry_check(secret: bytes) -> bool:
    """The middle part is JSON that tells when and by which server it was made. Source: docs.sentry.io."""
    told = _json(secret.removeprefix(b"sntrys_").rpartition(b"_")[0])
    return isinstance(told, dict) and "iat" in told and ("url" in told or "region_url" in told)


def _sentry_make(prefix: str, draw: Draw) -> str:
    told = {
        "iat": 1700000000.5,
        "url": "https://sentry.io",
        "region_url": "https://us.sentry.io",
        "org": draw(ALNUM, 8),
    }
    middle = base64.b64encode(json.dumps(told, separators=(",", ":")).encode()).decode()
    return f"{prefix or 'sntrys_'}{middle}_{draw(ALNUM, 43)}"


def _bech32_sum(name: str, values: list[int]) -> int:
    """The polynomial of BIP 173 over the name and the values; 1 where they end with their checksum."""
    total = 1
    for value in [*(ord(c) >> 5 for c in name), 0, *(ord(c) & 31 for c in name), *values]:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            total ^= term if top >> bit & 1 else 0
    return total


def _bech32_check(secret: bytes) -> bool:
    name, _, body = secret.decode("ascii", "replace").lower().rpartition("1")
    values = [BECH32.find(c) for c in body]
    return bool(name) and -1 not in values and _bech32_sum(name, values) == 1


def _bech32_make(prefix: str, draw: Draw) -> str:
    """`prefix` ends with the digit one that parts name and data."""
    prefix = prefix or "AGE-SECRET-KEY-1"
    body = draw(BECH32, 52)
    rest = _bech32_sum(prefix[:-1].lower(), [*(BECH32.index(c) for c in body), *[0] * 6]) ^ 1
    tail = "".join(BECH32[rest >> 5 * (5 - n) & 31] for n in range(6))
    return prefix + (body + tail).upper()


CHECKSUMS: dict[str, Checksum] = {
    "github": Checksum(_github_check, _github_make),
    "npm": Checksum(_github_check, _github_make),
    "pypi": Checksum(_pypi_check, _pypi_make),
    "jwt": Checksum(_jwt_check, _jwt_make, firm=True),
    "base58": Checksum(_base58_check, _base58_make, firm=True),
    "gitlab_routable": Checksum(_gitlab_check, _gitlab_make),
    "grafana": Checksum(_crc_tail_check, _crc_tail_make),
    "discord": Checksum(_discord_check, _discord_make, firm=True),
    "nkey": Checksum(_nkey_check, _nkey_make),
    "sentry_org": Checksum(_sentry_check, _sentry_make),
    "bech32": Checksum(_bech32_check, _bech32_make),
}
