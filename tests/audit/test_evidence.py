"""Proof files: self-contained, checked with the public key alone, and fragile to any change."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from strongroom.audit import journal
from strongroom.audit.checkpoint import Signer
from strongroom.audit.evidence import (
    ConsistencyProof,
    InclusionProof,
    check_proof,
    encode_proof,
    latest_checkpoint,
    prove_consistency,
    prove_inclusion,
    read_entries,
)
from strongroom.errors import IntegrityFailure, NotFound

from .builders import KEY, edit, make_log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_log(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def proofs(log: Path) -> list[bytes]:
    notes = journal.notes(log)
    return [encode_proof(prove_inclusion(log, 17)), encode_proof(prove_consistency(log, notes[1].note))]


def test_every_entry_has_a_proof_that_needs_only_the_key(log: Path) -> None:
    for sequence in range(60):
        proof, checkpoint = check_proof(encode_proof(prove_inclusion(log, sequence)), [KEY])
        assert isinstance(proof, InclusionProof)
        assert proof.entry.encode() == read_entries(log, sequence, 1)[0]
        assert checkpoint.size == 60


def test_every_checkpoint_is_shown_to_extend_every_earlier_one(log: Path) -> None:
    notes = [kept.note for kept in journal.notes(log)]
    for new in range(len(notes)):
        for old in range(new + 1):
            proof, checkpoint = check_proof(
                encode_proof(prove_consistency(log, notes[old], notes[new])), [KEY]
            )
            assert isinstance(proof, ConsistencyProof)
            assert checkpoint.size == (new + 1) * 10


def test_an_entry_is_provable_against_an_older_checkpoint(log: Path) -> None:
    old = journal.notes(log)[1].note
    assert check_proof(encode_proof(prove_inclusion(log, 17, old)), [KEY])[1].size == 20
    with pytest.raises(NotFound, match="not among the 20"):
        prove_inclusion(log, 20, old)


@given(st.data())
def test_no_changed_byte_is_accepted(proofs: list[bytes], data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(proofs)))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityFailure):
        check_proof(bytes(content), [KEY])


def test_a_proof_by_another_key_is_refused(proofs: list[bytes]) -> None:
    stranger = Signer(Ed25519PrivateKey.generate()).key
    for proof in proofs:
        with pytest.raises(IntegrityFailure, match="no signature by a known key"):
            check_proof(proof, [stranger])


def test_what_the_log_cannot_show_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no signed checkpoint"):
        latest_checkpoint(tmp_path)
    log = make_log(tmp_path)
    with pytest.raises(IntegrityFailure, match="cannot extend"):
        prove_consistency(log, journal.notes(log)[3].note, journal.notes(log)[1].note)
    edit(log, 17, lambda lines, at: lines.__setitem__(at, lines[at].replace(b"user", b"ruse")))
    with pytest.raises(IntegrityFailure, match="entry 17 is not what"):
        prove_inclusion(log, 17)
    (log / "tree" / "0").unlink()
    with pytest.raises(IntegrityFailure, match="tree is incomplete"):
        prove_inclusion(log, 16)
    with pytest.raises(IntegrityFailure, match="tree is incomplete"):
        prove_consistency(log, journal.notes(log)[1].note)


def test_entries_end_where_a_live_log_ends(log: Path) -> None:
    assert len(read_entries(log, 50, 100, end=55)) == 5
    assert read_entries(log, 60, 10) == []
    assert read_entries(log, 55, 10, end=55) == []


def test_a_proof_that_contradicts_itself_is_refused(log: Path) -> None:
    proof = prove_inclusion(log, 17)
    for changed in (replace(proof, index=18), replace(proof, size=59)):
        with pytest.raises(IntegrityFailure, match="contradicts itself"):
            check_proof(encode_proof(changed), [KEY])


def test_growth_from_one_log_to_another_is_refused(log: Path) -> None:
    other = Signer(Ed25519PrivateKey.generate())
    note = other.sign(60, b"r" * 32)
    proof = ConsistencyProof(latest_checkpoint(log), note, [])
    with pytest.raises(IntegrityFailure, match="of different logs"):
        check_proof(encode_proof(proof), [KEY, other.key])


def test_an_entry_that_is_gone_is_not_proved(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    edit(log, 59, lambda lines, at: lines.__delitem__(at))
    with pytest.raises(IntegrityFailure, match="entry 59 is missing"):
        prove_inclusion(log, 59)
