"""Signed checkpoints: the log's size and root, under an Ed25519 key.

Source: C2SP signed-note (signature line, key hash, vkey) and tlog-checkpoint (the three lines).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from strongroom.errors import IntegrityFailure

ED25519 = b"\x01"  # signed-note's number for plain Ed25519
_DASH = "— "
_NAME = re.compile(r"[^\s+]+")


def encode64(raw: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(raw).decode()


def decode64(text: str) -> bytes:
    """Inverse of `encode64`; raises IntegrityFailure for any other spelling of the same bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityFailure("bad base64") from error
    if encode64(raw) != text:
        raise IntegrityFailure("base64 is not canonical")
    return raw


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed: `root` is the tree's root over the first `size` entries of log `origin`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed part of the note."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key and the name it signs under."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "VerifyKey":
        """Read `name+hash+key`; raises IntegrityFailure when it is not one."""
        name, _, rest = vkey.strip().partition("+")
        digest, _, encoded = rest.partition("+")
        raw = decode64(encoded)
        key = cls(name, raw[1:])
        if not _NAME.fullmatch(name) or raw[:1] != ED25519 or len(raw) != 33 or key.hash.hex() != digest:
            raise IntegrityFailure("not an Ed25519 verification key of the form name+hash+key")
        return key

    @property
    def hash(self) -> bytes:
        """Four bytes that name the key in a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{encode64(ED25519 + self.public)}"


def log_name(public: bytes) -> str:
    """The name of the log that a key signs: it comes from the key, so nobody signs under another's name."""
    return f"strongroom/audit/{hashlib.sha256(public).hexdigest()[:16]}"


class Signer:
    """Signs checkpoints, under the name that comes from its key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        public = private.public_key().public_bytes_raw()
        self._private = private
        self.key = VerifyKey(log_name(public), public)

    def sign(self, size: int, root: bytes) -> str:
        """A signed note for a tree of that size and root."""
        text = Checkpoint(self.key.name, size, root).text()
        signature = self.key.hash + self._private.sign(text.encode())
        return f"{text}\n{_DASH}{self.key.name} {encode64(signature)}\n"


def open_note(note: str, keys: list[VerifyKey]) -> str:
    """The signed text of a note, once a signature by one of `keys` has been checked.

    Signatures by other keys are ignored, as signed-note asks. Raises IntegrityFailure.
    """
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not note.endswith("\n"):
        raise IntegrityFailure("not a signed note")
    text += "\n"
    signed = [_signed_by(line, text, keys) for line in signatures[:-1].split("\n")]
    if not any(signed):
        raise IntegrityFailure("no signature by a known key")
    return text


def _signed_by(line: str, text: str, keys: list[VerifyKey]) -> bool:
    """Whether a signature line is by one of the keys; a bad signature by a known key raises."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise IntegrityFailure("not a signature line")
    raw = decode64(encoded)
    key = next((key for key in keys if key.name == name and key.hash == raw[:4]), None)
    if key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], text.encode())
    except InvalidSignature as error:
        raise IntegrityFailure(f"the signature by {name} is wrong") from error
    return True


def parse(note: str) -> Checkpoint:
    """Read a checkpoint **without** checking its signature; raises IntegrityFailure if it is none."""
    lines = note.split("\n")
    if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]*", lines[1]):
        raise IntegrityFailure("not a checkpoint")
    root = decode64(lines[2])
    if len(root) != 32:
        raise IntegrityFailure("a checkpoint's root has 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, keys: list[VerifyKey]) -> Checkpoint:
    """Read a checkpoint that one of `keys` signed for the log of its own name.

    Raises IntegrityFailure otherwise.
    """
    checkpoint = parse(open_note(note, keys))
    if checkpoint.origin not in {key.name for key in keys}:
        raise IntegrityFailure("the checkpoint is of another log")
    return checkpoint
