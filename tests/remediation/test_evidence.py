"""Evidence files prove themselves, and fail when anything in them is changed."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.audit import bundle
from strongroom.audit.checkpoint import VerifyKey
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
    assert bundle.verify(file, key).key == key
    with pytest.raises(IntegrityFailure, match="not by the key given"):
        bundle.verify(file, VerifyKey("other", bytes(32)))


async def test_the_log_goes_on_and_an_older_file_still_verifies(house: House) -> None:
    file = await evidence_of(house)
    await house.write("kv/data/other", data={"a": "b"})
    assert bundle.verify(file).checkpoint.size > 0
