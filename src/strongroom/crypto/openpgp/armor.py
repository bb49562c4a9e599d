"""A public key as text: base64 of its bytes, or armored.

Source: RFC 9580 §6, which makes the checksum optional; it says nothing of who made a key, so it is not read.
"""

import base64
import binascii

from strongroom.crypto.openpgp.packets import Malformed

BEGIN, END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
PRIVATE = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
MAX_CHARACTERS = 512 * 1024


def key_bytes(text: str) -> bytes:
    """The key's bytes. Raises Malformed; a private key is refused by name."""
    if len(text) > MAX_CHARACTERS:
        raise Malformed("the OpenPGP key is too long")
    text = text.strip()
    if text.startswith("keybase:"):
        raise Malformed("keybase: names are not looked up here: give the public key itself")
    if PRIVATE in text:
        raise Malformed("this is a private OpenPGP key: give the public one (gpg --export)")
    if BEGIN in text:
        text = _inside(text)
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("an OpenPGP public key is expected: base64 of it, or armored text") from None
    if not raw:
        raise Malformed("the OpenPGP key is empty")
    return raw


def _inside(text: str) -> str:
    """The base64 between the lines of the armor, without headers and checksum."""
    inside, found, _ = text.partition(BEGIN)[2].partition(END)
    if not found:
        raise Malformed("the armored OpenPGP key has no end")
    lines = [line.strip() for line in inside.splitlines()]
    body = lines[lines.index("", 1) + 1 :] if "" in lines[1:] else lines
    return "".join(line for line in body if not line.startswith("="))
