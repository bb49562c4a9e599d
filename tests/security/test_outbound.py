"""Audit devices made through the API reach nothing and write nowhere that the configuration does not name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import peers
from tests.contract.peers import Peer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


@pytest.fixture(scope="module")
def peer(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    config = tmp_path_factory.mktemp("outbound") / "strongroom.toml"
    config.write_text(
        f'[audit]\napi_devices = true\nfile_directory = "{directory}"\noutbound = ["collector.example:443"]\n'
    )
    with peers.strongroom("--config", config) as made:
        yield made


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8200/v1/sys/seal",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://collector.example@127.0.0.1/",
        "http://collector.example.attacker.example/",
        "http://collector.example:22/",
        "file:///etc/passwd",
        "gopher://collector.example:443/",
        "unix:/run/docker.sock",
    ],
)
@pytest.mark.parametrize("kind", ["http", "socket"])
def test_no_host_but_those_named_is_reached(kind: str, address: str, peer: Peer) -> None:
    options = {"uri": address} if kind == "http" else {"address": address}
    answer = peer.call("POST", "sys/audit/out", {"type": kind, "options": options})
    assert answer.status == 400, answer.body
    assert "out/" not in peer.call("GET", "sys/audit").body["data"]


@pytest.mark.parametrize(
    "path", ["/etc/cron.d/x", "../x.log", "lines/../../x.log", "/proc/self/mem", "", "/dev/stdout"]
)
def test_no_file_outside_the_directory_is_written(path: str, peer: Peer) -> None:
    answer = peer.call("POST", "sys/audit/out", {"type": "file", "options": {"file_path": path}})
    assert answer.status == 400, answer.body


@pytest.mark.parametrize(("name", "value"), [("mode", "0755"), ("mode", "0777"), ("prefix", "#!/bin/sh\n")])
def test_a_file_cannot_be_made_a_program(name: str, value: str, peer: Peer, directory: Path) -> None:
    whole = {"file_path": str(directory / "x.log"), name: value}
    assert peer.call("POST", "sys/audit/out", {"type": "file", "options": whole}).status == 400


def test_what_is_named_is_allowed(peer: Peer, directory: Path) -> None:
    for kind, options in (
        ("file", {"file_path": str(directory / "y.log")}),
        ("http", {"uri": "https://collector.example:443/"}),
    ):
        assert peer.call("POST", f"sys/audit/{kind}", {"type": kind, "options": options}).status == 204
