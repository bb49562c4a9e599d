"""An evidence file: a zip that proves itself against a signed checkpoint, and fails when a byte is changed.

`seal.json` is the inclusion proof of an audit entry that holds the SHA-256 of `manifest.json`,
which holds that of every member but the proofs; `proofs.jsonl` proves each line of `entries.jsonl`
against the same checkpoint. The container has one spelling only: members stored in a fixed order
with fixed headers, so nothing can hide between them.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

import msgspec
from msgspec import Struct

from strongroom.audit.checkpoint import Checkpoint, VerifyKey, decode64, log_name
from strongroom.audit.evidence import InclusionProof, check_proof
from strongroom.audit.proofs import check_inclusion
from strongroom.audit.segments import sequence_of
from strongroom.errors import IntegrityFailure

T = TypeVar("T")
README, RECORD, ENTRIES, KEY = "README.md", "record.json", "entries.jsonl", "key.vkey"
MANIFEST, SEAL, PROOFS, CHECKPOINT = "manifest.json", "seal.json", "proofs.jsonl", "checkpoint"
COVERED = (README, RECORD, ENTRIES, KEY)
MEMBERS = (*COVERED, MANIFEST, SEAL, PROOFS, CHECKPOINT)
OPERATION = "evidence"
FORMAT = 1
LARGEST = 1 << 30
MOST_ENTRIES = 100_000  # far more than are put in: what claims more would only fill memory

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DATE = 0x21  # 1980-01-01, zip's first day: the container tells no time
_MODE = 0o100644 << 16


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file is about, and the SHA-256 of its members. `left_out` entries did not fit."""

    format: int
    subject: str
    made: str
    members: dict[str, str]
    left_out: int = 0


class EntryProof(Struct, frozen=True, forbid_unknown_fields=True):
    """Shows that a line of `entries.jsonl` is number `index` of the log (RFC 9162 §2.1.3)."""

    index: int
    path: list[str]


class _Facts(Struct, frozen=True):
    manifest: str = ""


class _Answer(Struct, frozen=True):
    facts: _Facts = _Facts()


class _Asked(Struct, frozen=True):
    operation: str = ""
    path: str = ""


class _Sealed(Struct, frozen=True):
    """The entry behind the seal, as far as it is checked."""

    type: str
    time: str
    request: _Asked
    response: _Answer


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good file holds, and by whose key."""

    manifest: Manifest
    record: bytes
    entries: list[bytes]
    checkpoint: Checkpoint
    key: VerifyKey
    sealed: str


def pack(members: Mapping[str, bytes]) -> bytes:
    """Write the members, all of them, in the one spelling."""
    body, directory = bytearray(), bytearray()
    for name in MEMBERS:
        content, called = members[name], name.encode()
        checksum, size = zlib.crc32(content), len(content)
        common = (20, 0, 0, 0, _DATE, checksum, size, size, len(called), 0)
        directory += _CENTRAL.pack(b"PK\1\2", 0x0314, *common, 0, 0, 0, _MODE, len(body)) + called
        body += _LOCAL.pack(b"PK\3\4", *common) + called + content
    count = len(MEMBERS)
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of a file. Raises IntegrityFailure unless it is spelled exactly as `pack` does."""
    if len(data) > LARGEST:
        raise IntegrityFailure(f"an evidence file has at most {LARGEST} bytes")
    members: dict[str, bytes] = {}
    at = 0
    for name in MEMBERS:
        if len(data) < at + _LOCAL.size:
            raise IntegrityFailure("the evidence file is cut short")
        size = _LOCAL.unpack_from(data, at)[8]
        start = at + _LOCAL.size + len(name.encode())
        members[name] = data[start : start + size]
        at = start + size
    if pack(members) != data:
        raise IntegrityFailure("not an evidence file, or one that was changed")
    return members


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as the file holds it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def digest(content: bytes) -> str:
    """SHA-256, hex."""
    return sha256(content).hexdigest()


def verify(data: bytes, pinned: Sequence[VerifyKey] = ()) -> Verified:
    """Check a whole file with nothing else but, if given, the keys of which one must have signed it.

    Raises IntegrityFailure.
    """
    members = unpack(data)
    key = _key(members[KEY], pinned)
    seal, checkpoint = check_proof(members[SEAL], [key])
    if not isinstance(seal, InclusionProof) or seal.checkpoint.encode() != members[CHECKPOINT]:
        raise IntegrityFailure("the seal is not of this file's checkpoint")
    if seal.checkpoint.rpartition("\n\n")[2].count("\n") != 1:
        raise IntegrityFailure("the checkpoint has more than one signature")
    manifest = _manifest(members)
    sealed = _decode(seal.entry.encode(), _Sealed, "the sealing entry")
    if (sealed.type, sealed.request.operation) != ("event", OPERATION):
        raise IntegrityFailure("the sealing entry is of another kind")
    if sealed.response.facts.manifest != digest(members[MANIFEST]):
        raise IntegrityFailure("the manifest is not the one that was sealed")
    if sealed.request.path != f"{manifest.subject}/{OPERATION}":
        raise IntegrityFailure("the seal is of another subject")
    entries = _entries(members, checkpoint)
    return Verified(manifest, members[RECORD], entries, checkpoint, key, sealed.time)


def _key(content: bytes, pinned: Sequence[VerifyKey]) -> VerifyKey:
    try:
        key = VerifyKey.parse(content.decode())
    except UnicodeDecodeError as error:
        raise IntegrityFailure("the key cannot be read") from error
    if f"{key}\n".encode() != content:
        raise IntegrityFailure("the key is not spelled as it was written")
    if key.name != log_name(key.public):
        raise IntegrityFailure("the key goes by the name of another log")
    if pinned and key not in pinned:
        raise IntegrityFailure(f"the file is signed by {key.name}, not by the key given")
    return key


def _manifest(members: Mapping[str, bytes]) -> Manifest:
    manifest = _decode(members[MANIFEST], Manifest, "the manifest")
    if encode_manifest(manifest) != members[MANIFEST] or manifest.format != FORMAT:
        raise IntegrityFailure("the manifest is not spelled as it was written")
    if manifest.members != {name: digest(members[name]) for name in COVERED}:
        raise IntegrityFailure("a member is not the one in the manifest")
    return manifest


def _entries(members: Mapping[str, bytes], checkpoint: Checkpoint) -> list[bytes]:
    for name in (ENTRIES, PROOFS):
        if members[name] and not members[name].endswith(b"\n"):
            raise IntegrityFailure("entries or proofs are cut short")
        if members[name].count(b"\n") > MOST_ENTRIES:
            raise IntegrityFailure(f"an evidence file has at most {MOST_ENTRIES:,} entries")
    lines, proofs = members[ENTRIES].split(b"\n")[:-1], members[PROOFS].split(b"\n")[:-1]
    if len(lines) != len(proofs):
        raise IntegrityFailure("there is not one proof for each entry")
    before = -1
    for line, written in zip(lines, proofs, strict=True):
        proof = _decode(written, EntryProof, "a proof")
        if msgspec.json.encode(proof) != written or sequence_of(line) != proof.index:
            raise IntegrityFailure("a proof is not spelled as it was written, or of another entry")
        if proof.index <= before:
            raise IntegrityFailure("the entries are not in order")
        before = proof.index
        path = [decode64(step) for step in proof.path]
        check_inclusion(line, proof.index, checkpoint.size, path, checkpoint.root)
    return lines


def _decode(content: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityFailure(f"{what} cannot be read") from error
