"""Makes an incident's evidence file: its record and exposure, the entries they rest on, and their proofs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from strongroom.audit import bundle
from strongroom.audit.bundle import EntryProof, Manifest
from strongroom.audit.evidence import encode_proof, prove_inclusion, read_entries
from strongroom.audit.segments import Reader
from strongroom.clock import rfc3339
from strongroom.core.auditing import Auditing
from strongroom.errors import IntegrityFailure

MAX_ENTRIES = 5000
LOOK_BACK = 2000

README = """# Evidence for {subject}

Made by Strongroom at {made}. This file proves itself; it needs no server:

    strongroom evidence verify FILE.zip --key audit.vkey

`audit.vkey` is the server's public key, kept from before (`checkpoint.vkey` in its audit directory, or
`strongroom audit checkpoint`). Without `--key` the key in the file is used: that shows that nothing was
changed since it was made, not who made it. A change of any byte makes verification fail.

| Member | Holds |
|---|---|
| `record.json` | the incident, its findings and the exposure windows, as the server had them |
| `entries.jsonl` | entries of the audit log, byte for byte: reads, changes, and every step of the incident |
| `proofs.jsonl` | for each of these its index and inclusion path (RFC 9162 §2.1.3), base64, leaf side first |
| `manifest.json` | the SHA-256 of `README.md`, `record.json`, `entries.jsonl` and `key.vkey` |
| `seal.json` | the audit entry that holds the SHA-256 of `manifest.json`, with its proof and the checkpoint |
| `checkpoint` | the signed checkpoint (C2SP tlog-checkpoint in a signed-note) that all proofs lead to |
| `key.vkey` | the public key that signed it |

By hand: check the note's signature; hash each line as `SHA-256(0x00 || line)` and fold its path with
`SHA-256(0x01 || left || right)` to the checkpoint's root; compare the digests. Values in entries are keyed
hashes: no secret is in this file.
"""


class Matter(NamedTuple):
    """What is to be proved: the record, entries known by sequence, and words whose entries belong to it."""

    subject: str
    record: dict[str, Any]
    entries: Sequence[int]
    words: Sequence[str]


async def make(auditing: Auditing, directory: Path, matter: Matter, who: str, now: float) -> bytes:
    """Gather, seal by an entry of its own, prove. Raises IntegrityFailure for a log that cannot."""
    log = auditing.log
    lines, left_out = await asyncio.to_thread(_gather, directory, log.size, matter)
    made = rfc3339(now)
    members = {
        bundle.README: README.format(subject=matter.subject, made=made).encode(),
        bundle.RECORD: msgspec.json.format(msgspec.json.encode(matter.record), indent=1) + b"\n",
        bundle.ENTRIES: b"".join(line + b"\n" for line in lines),
        bundle.KEY: await asyncio.to_thread(_key, directory),
    }
    digests = {name: bundle.digest(members[name]) for name in bundle.COVERED}
    manifest = bundle.encode_manifest(Manifest(bundle.FORMAT, matter.subject, made, digests, left_out))
    digest = bundle.digest(manifest)
    ticket = await auditing.event(
        bundle.OPERATION, f"{matter.subject}/{bundle.OPERATION}", {"manifest": digest}, who=who
    )
    note = await log.checkpoint()
    return await asyncio.to_thread(_proved, directory, {**members, bundle.MANIFEST: manifest}, ticket, note)


def _gather(directory: Path, size: int, matter: Matter) -> tuple[list[bytes], int]:
    """The lines that belong to the matter, in order, and how many did not fit."""
    needles = [word.encode() for word in matter.words]
    wanted = set(matter.entries)
    found: list[bytes] = []
    left_out = 0
    reader = Reader(directory, 0)
    try:
        while lines := reader.read(size):
            first = reader.next - len(lines)
            for number, line in enumerate(lines, first):
                if number not in wanted and not any(needle in line for needle in needles):
                    continue
                if len(found) < MAX_ENTRIES:
                    found.append(line)
                else:
                    left_out += 1
    finally:
        reader.close()
    return found, left_out


def _key(directory: Path) -> bytes:
    """The newest public key of the log."""
    try:
        lines = (directory / "checkpoint.vkey").read_text("utf-8").split()
    except OSError as error:
        raise IntegrityFailure("the audit log has no public key") from error
    return f"{lines[-1]}\n".encode()


def _proved(directory: Path, members: dict[str, bytes], ticket: int, note: str) -> bytes:
    """Add the proofs, and check the whole file as anyone would."""
    digest = bundle.digest(members[bundle.MANIFEST])
    sequence = _sealed_at(directory, ticket, digest)
    members[bundle.SEAL] = encode_proof(prove_inclusion(directory, sequence, note))
    proofs = [_proof(directory, line, note) for line in members[bundle.ENTRIES].split(b"\n")[:-1]]
    members[bundle.PROOFS] = b"".join(msgspec.json.encode(proof) + b"\n" for proof in proofs)
    members[bundle.CHECKPOINT] = note.encode()
    packed = bundle.pack(members)
    bundle.verify(packed)
    return packed


def _proof(directory: Path, line: bytes, note: str) -> EntryProof:
    sequence = msgspec.json.decode(line)["seq"]
    proof = prove_inclusion(directory, sequence, note)
    return EntryProof(sequence, proof.path)


def _sealed_at(directory: Path, ticket: int, digest: str) -> int:
    """Where the sealing entry is: at its ticket, or before it when an earlier batch could not be written."""
    first = max(0, ticket - LOOK_BACK)
    lines = read_entries(directory, first, ticket - first + 1)
    for number in range(len(lines) - 1, -1, -1):
        if digest.encode() in lines[number]:
            return first + number
    raise IntegrityFailure("the sealing entry is not in the log")
