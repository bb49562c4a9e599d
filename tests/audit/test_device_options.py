"""What a device is not told to do: files elsewhere, hosts elsewhere, entries changed."""

import os
from pathlib import Path

import pytest

from strongroom.audit.devices.http import HttpOptions
from strongroom.audit.devices.options import read_options, visible_options
from strongroom.audit.sinks import DEVICES
from strongroom.errors import InvalidRequest

from .collectors import (
    policy,
)

Given = dict[str, object]


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """A directory for audit files with a link, an executable, a FIFO and a directory in it."""
    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "link").symlink_to(tmp_path / "outside.log")
    (directory / "way").symlink_to(tmp_path)
    (directory / "script").write_text("#!/bin/sh\n")
    (directory / "script").chmod(0o755)
    (directory / "folder").mkdir()
    os.mkfifo(directory / "fifo")
    return directory


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "/etc/passwd", "../outside.log", "folder/../../outside.log", "/tmp/../etc/passwd", "link",
        "way/outside.log", "script", "fifo", "folder", "folder/", "no/such/folder", "a\nb", "a\0b", "discard",
    ],
)  # fmt: skip
def test_a_file_device_writes_only_plain_files_below_its_directory(traps: Path, name: str) -> None:
    if name == "discard":  # a plain name, not the null device
        DEVICES["file"]({"file_path": name}, policy(traps))
        assert (traps / "discard").is_file()
        return
    with pytest.raises(InvalidRequest):
        DEVICES["file"]({"file_path": name}, policy(traps))
    assert not (traps.parent / "outside.log").exists()


def test_a_file_device_needs_a_directory_from_the_configuration() -> None:
    with pytest.raises(InvalidRequest, match="names no directory"):
        DEVICES["file"]({"file_path": "audit.log"}, policy())


@pytest.mark.parametrize("mode", ["0777", "755", "0602", "8", "-1", "0x0", "01777"])
def test_a_file_mode_that_endangers_the_host_is_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(InvalidRequest):
        DEVICES["file"]({"file_path": "audit.log", "mode": mode}, policy(tmp_path))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("file", {"file_path": "a", "prefix": "#!/bin/sh\n"}),
        ("file", {"file_path": "a", "format": "jsonx"}),
        ("file", {"file_path": "a", "log_raw": True}),
        ("file", {"file_path": "a", "hmac_accessor": "false"}),
        ("file", {"file_path": "a", "what": "1"}),
        ("socket", {}),
        ("socket", {"address": "127.0.0.1"}),
        ("socket", {"address": "127.0.0.1:99999"}),
        ("socket", {"address": "user@127.0.0.1:1"}),
        ("socket", {"address": "127.0.0.1:1/x"}),
        ("socket", {"address": "127.0.0.1:1", "socket_type": "sctp"}),
        ("socket", {"address": "127.0.0.1:1", "write_timeout": "0"}),
        ("socket", {"address": "s", "socket_type": "unix"}),
        ("socket", {"address": "/run/docker.sock", "socket_type": "unix"}),
        ("socket", {"address": "collector.example:514"}),
        ("syslog", {}),
        ("syslog", {"address": "127.0.0.1:514"}),
        ("syslog", {"address": "udp://127.0.0.1:514", "facility": "x"}),
        ("syslog", {"address": "udp://127.0.0.1:514", "tag": "a b"}),
        ("syslog", {"address": "tls://127.0.0.1:514", "ca_pem": "x"}),
        ("http", {"uri": "ftp://127.0.0.1/"}),
        ("http", {"uri": "http://u:p@127.0.0.1/"}),
        ("http", {"uri": "http://169.254.169.254/latest"}),
        ("http", {"uri": "http://[::1"}),
        ("http", {"uri": "http://127.0.0.1/", "headers": "[]"}),
        ("http", {"uri": "http://127.0.0.1/", "headers": '{"Host": "x"}'}),
        ("http", {"uri": "http://127.0.0.1/", "headers": '{"X": "a\\r\\nb"}'}),
        ("http", {"uri": "http://127.0.0.1/", "token": "a\nb"}),
    ],
)
def test_options_that_are_wrong_or_reach_too_far_are_refused(
    tmp_path: Path, kind: str, options: Given
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        DEVICES[kind](options, policy(tmp_path))
    for value in options.values():
        if value and isinstance(value, str) and len(value) > 2 and "#!" in value:
            assert value not in str(refused.value)


def test_credentials_are_not_shown() -> None:
    options = {"uri": "https://x/", "token": "a", "hmac_key": "b", "headers": "{}"}
    assert visible_options(options) == {"uri": "https://x/"}


def test_options_do_not_print_credentials() -> None:
    options = read_options(HttpOptions, {"uri": "https://x/", "token": "t0ken"})
    assert "t0ken" not in repr(options)
