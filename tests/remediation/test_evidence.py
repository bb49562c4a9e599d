"""Evidence files prove themselves, and fail when anything in them is changed."""

import asyncio
import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from strongroom import cli
from strongroom.audit import bundle
from strongroom.audit.bundle import Manifest
from strongroom.audit.checkpoint import Checkpoint, VerifyKey, encode64, log_name
from strongroom.audit.evidence import InclusionProof, encode_proof
from strongroom.errors import IntegrityFailure
from strongroom.framework import Operation
from tests.remediation.house import House

VALUE = "kT7vQ2xLw9ZsB4nRy6HcJ1mD"
Change = Callable[[dict[str, bytes]], None]


async def evidence_of(house: House) -> bytes:
    await house.secret(VALUE)
    await house.read("kv/data/app/db")
    told = await house.report(await house.row())
    incident = told["listed"][0]["incident"]
    await house.until(incident, "closed", step=5)
    answer = await house.answer(Operation.READ, f"incidents/{incident}/evidence")
    assert answer.raw is not None
    return answer.raw.body


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    async def make() -> bytes:
        house = await House.begun(tmp_path_factory.mktemp("house") / "data")
        try:
            return await evidence_of(house)
        finally:
            await house.stack.aclose()

    with asyncio.Runner() as runner:
        return runner.run(make())


def test_it_verifies_with_nothing_else_and_holds_what_happened(file: bytes) -> None:
    found = bundle.verify(file)
    text = b"\n".join(found.entries).decode()
    assert found.manifest.subject == "incidents/1"
    assert "kv/data/app/db" in text
    for step in ("match", "live", "rotate", "notify", "verify_dead", "rescan", "close"):
        assert f"incidents/1/steps/{step}" in text
    assert b'"identity": "root"' in found.record or b'"identity": "token"' in found.record


def test_no_secret_is_in_it(file: bytes) -> None:
    assert VALUE.encode() not in file


def test_any_unzip_program_reads_it(file: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(file)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == list(bundle.MEMBERS)
        assert b"strongroom evidence verify" in opened.read("README.md")


@given(st.data())
def test_no_changed_byte_is_accepted(file: bytes, data: st.DataObject) -> None:
    content = bytearray(file)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityFailure):
        bundle.verify(bytes(content))


def test_every_member_is_guarded_at_every_region(file: bytes) -> None:
    for at in range(0, len(file), 37):
        content = bytearray(file)
        content[at] ^= 0x01
        with pytest.raises(IntegrityFailure):
            bundle.verify(bytes(content))


@given(st.data())
def test_nothing_cut_added_or_moved_is_accepted(file: bytes, data: st.DataObject) -> None:
    first, last = sorted((data.draw(st.integers(0, len(file))), data.draw(st.integers(0, len(file)))))
    added = data.draw(st.binary(min_size=0 if first < last else 1, max_size=20))
    changed = file[:first] + added + file[last:]
    if changed != file:
        with pytest.raises(IntegrityFailure):
            bundle.verify(changed)


def drop_an_entry(members: dict[str, bytes]) -> None:
    for name in (bundle.ENTRIES, bundle.PROOFS):
        members[name] = members[name].partition(b"\n")[2]


def swap_entries(members: dict[str, bytes]) -> None:
    for name in (bundle.ENTRIES, bundle.PROOFS):
        first, second, *rest = members[name].split(b"\n")
        members[name] = b"\n".join((second, first, *rest))


def drop_the_proofs(members: dict[str, bytes]) -> None:
    members[bundle.PROOFS] = b""


def change_the_record(members: dict[str, bytes]) -> None:
    members[bundle.RECORD] = members[bundle.RECORD].replace(b"critical", b"low")


def change_record_and_manifest(members: dict[str, bytes]) -> None:
    before = bundle.digest(members[bundle.RECORD])
    change_the_record(members)
    after = bundle.digest(members[bundle.RECORD])
    members[bundle.MANIFEST] = members[bundle.MANIFEST].replace(before.encode(), after.encode())


def add_a_signature(members: dict[str, bytes]) -> None:
    more = "— other 76fQdo3tPGX9Vrz6Fj6s6AX+ydAJLm3b\\n".encode()
    members[bundle.SEAL] = members[bundle.SEAL].replace(b'\\n"}', b"\\n" + more + b'"}')
    members[bundle.CHECKPOINT] += more.replace(b"\\n", b"\n")


@pytest.mark.parametrize(
    "change",
    [
        drop_an_entry,
        swap_entries,
        drop_the_proofs,
        change_the_record,
        change_record_and_manifest,
        add_a_signature,
    ],
)
def test_members_that_are_packed_anew_are_refused(file: bytes, change: Change) -> None:
    members = bundle.unpack(file)
    change(members)
    with pytest.raises(IntegrityFailure):
        bundle.verify(bundle.pack(members))


def test_other_members_are_refused(file: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(file)) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    for extra in ({"more.txt": b"x"}, {}):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in {**members, **extra}.items():
                made.writestr(name, content)
        with pytest.raises(IntegrityFailure):
            bundle.verify(written.getvalue())


def test_a_key_that_is_given_must_be_the_signers(file: bytes, tmp_path: Path) -> None:
    key = bundle.verify(file).key
    other = VerifyKey("other", bytes(32))
    assert bundle.verify(file, [other, key]).key == key
    with pytest.raises(IntegrityFailure, match="not by the key given"):
        bundle.verify(file, [other])


async def test_the_log_goes_on_and_an_older_file_still_verifies(house: House) -> None:
    file = await evidence_of(house)
    await house.write("kv/data/other", data={"a": "b"})
    assert bundle.verify(file).checkpoint.size > 0


class Forger:
    """A log and a key of an attacker's own: all that can be made of them is signed well."""

    def __init__(self, key: Ed25519PrivateKey, name: str = "") -> None:
        self._key = key
        public = key.public_key().public_bytes_raw()
        self.vkey = VerifyKey(name or log_name(public), public)

    def file(
        self, subject: str = "incidents/1", record: bytes = b"{}\n", entries: bytes = b"", proofs: bytes = b""
    ) -> bytes:
        members = {bundle.README: b"", bundle.RECORD: record, bundle.ENTRIES: entries}
        members[bundle.KEY] = f"{self.vkey}\n".encode()
        digests = {name: bundle.digest(members[name]) for name in bundle.COVERED}
        manifest = bundle.encode_manifest(Manifest(bundle.FORMAT, subject, "today", digests))
        seal = {
            "seq": 0,
            "type": "event",
            "time": "today",
            "request": {"operation": bundle.OPERATION, "path": f"{subject}/{bundle.OPERATION}"},
            "response": {"facts": {"manifest": bundle.digest(manifest)}},
        }
        line = json.dumps(seal, separators=(",", ":")).encode()
        text = Checkpoint(self.vkey.name, 1, sha256(b"\0" + line).digest()).text()
        signature = encode64(self.vkey.hash + self._key.sign(text.encode()))
        note = f"{text}\n\u2014 {self.vkey.name} {signature}\n"
        members[bundle.SEAL] = encode_proof(InclusionProof(line.decode(), 0, 1, [], note))
        members |= {bundle.MANIFEST: manifest, bundle.PROOFS: proofs, bundle.CHECKPOINT: note.encode()}
        return bundle.pack(members)


@pytest.fixture
def forger() -> Forger:
    return Forger(Ed25519PrivateKey.generate())


def test_what_a_stranger_signs_verifies_as_theirs_only(file: bytes, forger: Forger) -> None:
    theirs = forger.file()
    assert bundle.verify(theirs).key == forger.vkey
    ours = bundle.verify(file).key
    with pytest.raises(IntegrityFailure, match="not by the key given"):
        bundle.verify(theirs, [ours])
    named = Forger(Ed25519PrivateKey.generate(), ours.name)
    with pytest.raises(IntegrityFailure, match="the name of another log"):
        bundle.verify(named.file())


def test_a_file_that_claims_very_many_entries_is_refused_before_they_fill_memory(forger: Forger) -> None:
    lines = b"\n" * (bundle.MOST_ENTRIES + 1)
    with pytest.raises(IntegrityFailure, match="at most 100,000 entries"):
        bundle.verify(forger.file(entries=lines, proofs=lines))


@pytest.mark.parametrize("part", ["verify", "show"])
def test_a_strangers_file_cannot_write_over_the_terminal(
    forger: Forger, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.zip"
    path.write_bytes(forger.file("incidents/1\x1b[2J\nverified: by us", b"\x1b]0;x\x07\xff {}\n"))
    assert cli.main(["evidence", part, str(path)]) == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out
    assert "\x07" not in shown.out
    assert not any(line.startswith("verified: by us") for line in shown.out.splitlines())
    assert "the key is the file's own" in shown.err


def test_any_key_of_a_servers_key_file_will_do(
    file: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that has changed its key keeps the older ones in its file."""
    (tmp_path / "e.zip").write_bytes(file)
    newer = Forger(Ed25519PrivateKey.generate()).vkey
    (tmp_path / "keys").write_text(f"{bundle.verify(file).key}\n{newer}\n", "utf-8")
    verify = ["evidence", "verify", str(tmp_path / "e.zip"), "--key"]
    assert cli.main([*verify, str(tmp_path / "keys")]) == 0
    assert cli.main([*verify, str(newer)]) == 1
    assert "not by the key given" in capsys.readouterr().err


def test_what_never_ends_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 1 << 16)
    assert cli.main(["evidence", "verify", "/dev/zero"]) == 2
    assert "larger than any evidence file" in capsys.readouterr().err
