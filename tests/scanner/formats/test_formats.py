"""Each known format: exactly the secrets, at their exact places, and nothing else in the file."""

import time
from pathlib import Path

import pytest

from strongroom.scanner import formats
from tests.scanner.marked import found, samples, unmark

FILES = Path(__file__).parent / "files"
SAMPLES = [(name, text) for collection in sorted(FILES.glob("*.txt")) for name, text in samples(collection)]


@pytest.mark.parametrize(("name", "text"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_a_known_format_yields_exactly_its_secrets(name: str, text: str) -> None:
    data, spans = unmark(text)
    shown = {data[a:b].decode() for a, b in found(name, data)}
    assert shown == {data[a:b].decode() for a, b in spans}
    assert found(name, data) == spans


@pytest.mark.parametrize(
    "name",
    [
        "haproxy.cfg",
        "nginx.conf",
        "jaas.conf",
        "a.ks",
        "preseed.cfg",
        "user-data",
        ".bundle/config",
        ".fetchmailrc",
        ".mailrc",
        "raddb/users",
        "hostapd.conf",
        "users.acl",
        "local.d/a.ini",
    ],
)
@pytest.mark.parametrize(
    "part", [b" ", b"user ", b"password = ", b"a:b\n", b"  \n", b"--pass", b"BUNDLE_A__"]
)
def test_a_reader_of_a_program_takes_no_longer_than_its_file(name: str, part: bytes) -> None:
    began = time.process_time()
    list(formats.read(name, part * (200_000 // len(part))))
    assert time.process_time() - began < 4
