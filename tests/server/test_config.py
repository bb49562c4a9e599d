"""The configuration file and the small modules of start-up."""

import io
import re
from pathlib import Path

import msgspec
import pytest

from strongroom.server import config
from strongroom.server.address import parse
from strongroom.server.config import Config, load
from strongroom.server.log import OperatorLog
from strongroom.server.problems import StartFailed
from strongroom.server.seal_settings import SealSettings
from strongroom.server.warnings import filesystem_of, single_share, warnings

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_whole_file_is_read_and_flags_win(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        listen = "10.0.0.1:8200"
        data = "/srv/a"
        plain_http = true
        [operator]
        unauthenticated_rekey = true
        [audit]
        file_directory = "/var/log/strongroom"
        [[audit.devices]]
        path = "file"
        kind = "file"
        options = { file_path = "/var/log/strongroom/audit.log" }
        [limits]
        body_seconds = 5
        [proxy]
        trusted = ["10.0.0.0/8"]
        """,
    )
    read = load(path, {"data": "/srv/b", "listen": None})
    assert (read.listen, read.data, read.plain_http) == ("10.0.0.1:8200", "/srv/b", True)
    assert read.operator.unauthenticated_rekey
    assert not read.operator.unauthenticated_generate_root
    assert read.audit.devices[0].options == {"file_path": "/var/log/strongroom/audit.log"}
    assert (read.limits.body_seconds, read.limits.header_seconds) == (5, 10)


@pytest.mark.parametrize(
    ("text", "line", "near"),
    [
        ('lissten = "127.0.0.1:1"', 1, "listen"),
        ('listen = "127.0.0.1:1"\n\n[limits]\n# idle_second\nidle_second = 3', 5, "idle_seconds"),
        ("[oprator]\nx = 1", 1, "operator"),
        ('[[audit.devices]]\npath = "a"\nkind = "file"\noption = {}', 4, "options"),
        ('[storage]\n"kinds" = "sqlite"', 2, "kind"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest(
    tmp_path: Path, text: str, line: int, near: str
) -> None:
    with pytest.raises(StartFailed) as refused:
        load(written(tmp_path, text), {})
    assert f"line {line}: unknown key" in refused.value.what
    assert f"'{near}'" in refused.value.next_step


@pytest.mark.parametrize(
    "text",
    [
        "listen = ",
        "listen = 1",
        "[limits]\nbody_bytes = 0",
        "[limits]\ndrain_seconds = 60",
        '[storage]\nkind = "x"',
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(StartFailed):
        load(written(tmp_path, text), {})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartFailed):
        load(tmp_path / "none.toml", {})
    path = tmp_path / "latin.toml"
    path.write_bytes(b'data = "\xff"')
    with pytest.raises(StartFailed):
        load(path, {})


def test_every_key_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    tables: list[tuple[str, type[msgspec.Struct]]] = [("", Config), ("audit.devices.", config.Device)]
    tables += [(f"{name}.", type(getattr(Config(), name))) for name in _tables()]
    tables += [("seal.", SealSettings)]
    for prefix, kind in tables:
        for name in kind.__struct_fields__:
            if name not in _tables() and f"{prefix}{name}" not in ("audit.devices", "seal"):
                assert f"`{prefix}{name}`" in text, f"{prefix}{name}"


def test_the_documented_defaults_are_the_defaults() -> None:
    rows = re.findall(r"^\| `limits\.(\w+)` \| ([\d,]+)", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in rows} == msgspec.to_builtins(Config().limits)


def _tables() -> list[str]:
    return [name for name in Config.__struct_fields__ if isinstance(getattr(Config(), name), msgspec.Struct)]


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8200", "127.0.0.1", 8200, True),
        ("localhost:1", "127.0.0.1", 1, True),
        ("[::1]:8200", "::1", 8200, True),
        ("0.0.0.0:0", "0.0.0.0", 0, False),
        ("[::]:8200", "::", 8200, False),
    ],
)
def test_addresses(text: str, host: str, port: int, loopback: bool) -> None:
    address = parse(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "8200", ":8200", "host:8200", "127.0.0.1:99999", "127.0.0.1:-1", "1.1.1.1:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(StartFailed):
        parse(text)


def test_open_files_and_plain_http_are_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    key = tmp_path / "key.pem"
    key.touch()
    tmp_path.chmod(0o755)
    path.chmod(0o644)
    key.chmod(0o644)
    said = " ".join(warnings(Config(data=str(tmp_path)), parse("0.0.0.0:1"), path))
    assert "plain HTTP" in said
    assert f"{path} can be read" in said
    assert f"{tmp_path} can be read" in said
    said = " ".join(warnings(Config(tls_cert="c", tls_key=str(key)), parse("0.0.0.0:1"), None))
    assert "plain HTTP" not in said
    assert f"{key} can be read" in said


def test_the_file_system_of_a_path_is_the_innermost_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /srv rw - nfs4 host:/export rw\n"
        "31 30 0:41 / /srv/my\\040disk rw - xfs /dev/sdb rw\n"
    )
    assert filesystem_of(Path("/srv/data"), mounts) == "nfs4"
    assert filesystem_of(Path("/srv/my disk/a"), mounts) == "xfs"
    assert filesystem_of(Path("/srvx"), mounts) == "ext4"
    assert filesystem_of(Path("/a"), tmp_path / "none") == ""


def test_one_share_is_warned_of() -> None:
    assert single_share(1)
    assert single_share(3) is None


def test_the_log_takes_words_and_keeps_them_on_one_line() -> None:
    stream = io.StringIO()
    log = OperatorLog("text", "info", stream)
    log.info("started", path="a b\nc", number=3)
    assert stream.getvalue().count("\n") == 1
    assert r'path="a b\nc" number=3' in stream.getvalue()


def test_the_log_can_be_json_and_quiet() -> None:
    stream = io.StringIO()
    log = OperatorLog("json", "warning", stream)
    log.info("not said")
    log.warning("said", number=3)
    line = msgspec.json.decode(stream.getvalue())
    assert (line["event"], line["number"], line["level"]) == ("said", 3, "warning")


def test_a_fault_is_logged_without_its_message() -> None:
    stream = io.StringIO()
    try:
        raise KeyError("s3cr3t-canary")
    except KeyError as error:
        OperatorLog(stream=stream).unexpected("some-id", error)
    said = stream.getvalue()
    assert "KeyError" in said
    assert "some-id" in said
    assert "test_config.py" in said
    assert "canary" not in said
