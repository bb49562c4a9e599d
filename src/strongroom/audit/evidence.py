"""What a log can show about itself: its latest checkpoint, proofs, entries.

Plain functions on a log's directory, for the command line (offline) and the `sys/audit-log` routes.
They read files, so an event loop calls them in a thread.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from strongroom.audit import journal
from strongroom.audit.checkpoint import Checkpoint, VerifyKey, decode64, encode64, open_checkpoint, parse
from strongroom.audit.proofs import check_consistency, check_inclusion, consistency_path, inclusion_path
from strongroom.audit.segments import Reader, sequence_of
from strongroom.audit.tree import TreeFiles
from strongroom.errors import IntegrityFailure, NotFound

PAGE_ENTRIES = 1000


class InclusionProof(Struct, frozen=True, forbid_unknown_fields=True, tag="inclusion", tag_field="proof"):
    """Shows that `entry`, byte for byte, is number `index` of the log that `checkpoint` signs.

    `path` holds base64 hashes, leaf side first (RFC 9162 §2.1.3).
    """

    entry: str
    index: int
    size: int
    path: list[str]
    checkpoint: str


class ConsistencyProof(Struct, frozen=True, forbid_unknown_fields=True, tag="consistency", tag_field="proof"):
    """Shows that the log of checkpoint `new` only added entries to the log of checkpoint `old`."""

    old: str
    new: str
    path: list[str]


Proof = InclusionProof | ConsistencyProof


def latest_checkpoint(directory: Path) -> str:
    """The newest signed checkpoint; raises NotFound before the first."""
    last = journal.latest(directory)
    if last is None:
        raise NotFound("the audit log has no signed checkpoint yet")
    return last.note


def read_entries(
    directory: Path, start: int, limit: int = PAGE_ENTRIES, end: int | None = None
) -> list[bytes]:
    """Up to `limit` log lines from sequence `start` on, before `end` (the log's size when it is live)."""
    stop = start + limit if end is None else min(start + limit, end)
    reader = Reader(directory, start)
    found: list[bytes] = []
    try:
        while lines := reader.read(stop):
            found += lines
    finally:
        reader.close()
    return found


def prove_inclusion(directory: Path, sequence: int, note: str = "") -> InclusionProof:
    """Prove an entry against a checkpoint, the latest by default.

    Raises NotFound when the checkpoint does not cover the entry.
    """
    note = note or latest_checkpoint(directory)
    checkpoint = parse(note)
    if not 0 <= sequence < checkpoint.size:
        raise NotFound(f"entry {sequence} is not among the {checkpoint.size} that the checkpoint covers")
    lines = read_entries(directory, sequence, 1)
    if not lines or sequence_of(lines[0]) != sequence:
        raise IntegrityFailure(f"entry {sequence} is missing from the log")
    files = TreeFiles(directory / "tree")
    try:
        path = inclusion_path(files.node, sequence, checkpoint.size)
    except LookupError as error:
        raise IntegrityFailure(f"the log's tree is incomplete: {error}") from error
    finally:
        files.close()
    proof = InclusionProof(
        lines[0].decode(), sequence, checkpoint.size, [encode64(step) for step in path], note
    )
    check_inclusion(lines[0], sequence, checkpoint.size, path, checkpoint.root)
    return proof


def prove_consistency(directory: Path, old_note: str, new_note: str = "") -> ConsistencyProof:
    """Prove that a checkpoint (the latest by default) extends an older one.

    Raises IntegrityFailure when it does not.
    """
    new_note = new_note or latest_checkpoint(directory)
    old, new = parse(old_note), parse(new_note)
    if not 0 < old.size <= new.size:
        raise IntegrityFailure(f"a log of {new.size} entries cannot extend one of {old.size}")
    files = TreeFiles(directory / "tree")
    try:
        path = consistency_path(files.node, old.size, new.size)
    except LookupError as error:
        raise IntegrityFailure(f"the log's tree is incomplete: {error}") from error
    finally:
        files.close()
    check_consistency(old.size, old.root, new.size, new.root, path)
    return ConsistencyProof(old_note, new_note, [encode64(step) for step in path])


def encode_proof(proof: Proof) -> bytes:
    """The proof file: one line of JSON."""
    return msgspec.json.encode(proof) + b"\n"


def check_proof(content: bytes, keys: list[VerifyKey]) -> tuple[Proof, Checkpoint]:
    """Check a proof file with nothing but public keys; returns it with the checkpoint it leads to.

    Only the exact bytes `encode_proof` makes are accepted. Raises IntegrityFailure.
    """
    try:
        proof: Proof = msgspec.json.decode(content, type=Proof)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityFailure("not a proof file") from error
    if encode_proof(proof) != content:
        raise IntegrityFailure("the proof file is not spelled as it was written")
    path = [decode64(step) for step in proof.path]
    if isinstance(proof, ConsistencyProof):
        old, checkpoint = open_checkpoint(proof.old, keys), open_checkpoint(proof.new, keys)
        if old.origin != checkpoint.origin:
            raise IntegrityFailure("the two checkpoints are of different logs")
        check_consistency(old.size, old.root, checkpoint.size, checkpoint.root, path)
        return proof, checkpoint
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    line = proof.entry.encode()
    if proof.size != checkpoint.size or sequence_of(line) != proof.index:
        raise IntegrityFailure("the proof contradicts itself")
    check_inclusion(line, proof.index, proof.size, path, checkpoint.root)
    return proof, checkpoint
