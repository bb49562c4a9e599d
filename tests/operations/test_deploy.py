"""What is in deploy/ starts this server, as this release knows it, with few rights."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.cli import VERSION, parser
from strongroom.server.config import Config, load
from strongroom.server.limits import Limits

MOST_EXPOSURE = 20
"""Tenths of systemd's own measure: 0 is shut, 100 is open."""


@pytest.fixture
def deploy(repository: Path) -> Path:
    return repository / "deploy"


def _unit(path: Path) -> dict[str, list[str]]:
    """The settings of a unit; one that is given twice has two values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", path.read_text("utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("place", ["systemd", "docker"])
def test_the_configurations_are_ones_that_this_release_reads(deploy: Path, place: str) -> None:
    config = load(deploy / place / "strongroom.toml", {})
    assert config.tls_cert
    assert not config.plain_http
    assert (config.data, config.log.format) == ("/var/lib/strongroom", "json")


def test_the_unit_runs_the_server_with_its_configuration(deploy: Path) -> None:
    unit = _unit(deploy / "systemd/strongroom.service")
    config = load(deploy / "systemd/strongroom.toml", {})
    assert unit["ExecStart"] == [
        "/opt/strongroom/bin/strongroom server --config /etc/strongroom/strongroom.toml"
    ]
    assert unit["StateDirectory"] == [config.data.removeprefix("/var/lib/")]
    assert unit["LogsDirectory"] == [config.audit.file_directory.removeprefix("/var/log/")]
    assert unit["User"] == ["strongroom"]
    assert (unit["LimitCORE"], unit["MemorySwapMax"]) == (["0"], ["0"])


def test_everything_that_stops_a_server_waits_longer_than_it_drains(deploy: Path) -> None:
    (seconds,) = _unit(deploy / "systemd/strongroom.service")["TimeoutStopSec"]
    assert int(seconds) > 20 >= Limits().drain_seconds
    assert _service(deploy)["stop_grace_period"] == "30s"


@pytest.mark.component("systemd-analyze")
def test_systemd_accepts_the_unit_and_finds_it_shut(deploy: Path, tmp_path: Path) -> None:
    unit = tmp_path / "strongroom.service"
    text = (deploy / "systemd/strongroom.service").read_text("utf-8")
    # A user and a program that are on every host: systemd looks for both.
    text = text.replace("/opt/strongroom/bin/strongroom", "/bin/true").replace(
        "=strongroom\n", "=daemon\n", 2
    )
    unit.write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSURE}", str(unit)]
    assert subprocess.run(judged, capture_output=True, check=False).returncode == 0


@pytest.mark.component("systemd-analyze")
def test_systemd_accepts_the_timer_and_the_backup_it_starts(deploy: Path, tmp_path: Path) -> None:
    for name in ("strongroom-backup.service", "strongroom-backup.timer"):
        text = (deploy / "systemd" / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/strongroom/bin/strongroom", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "strongroom-backup.timer")]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_backup_is_a_command_of_this_release(deploy: Path) -> None:
    unit = _unit(deploy / "systemd/strongroom-backup.service")
    (words,) = unit["ExecStart"]
    given = parser("operator").parse_args(words.split()[2:])
    assert [given.to] == unit["ReadWritePaths"]
    assert given.keep > 0


def _instructions(path: Path) -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def test_the_image_is_slim_locked_unprivileged_and_watched(deploy: Path) -> None:
    steps = _instructions(deploy / "docker/Dockerfile")
    last = len(steps) - 1 - [name for name, _ in reversed(steps)].index("FROM")
    assert all("python:3.11-slim" in what for name, what in steps if name == "FROM")
    assert any("--require-hashes -r /build/requirements.lock" in what for name, what in steps[:last])
    final = dict(steps[last:])
    assert final["USER"] == "10001:10001"
    assert "strongroom status" in final["HEALTHCHECK"]
    assert (final["STOPSIGNAL"], final["ENTRYPOINT"]) == ("SIGTERM", '["strongroom"]')
    assert not any("requirements.lock" in what for _, what in steps[last:])


def test_what_the_image_copies_is_sent_to_the_builder(repository: Path) -> None:
    let_in = {
        line[1:] for line in (repository / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"
    }
    for name in ("Dockerfile", "deploy/docker/Dockerfile"):
        for step, what in _instructions(repository / name):
            if step == "COPY" and "--from" not in what:
                assert set(what.split()[:-1]) <= let_in
                assert all((repository / one).exists() for one in what.split()[:-1])


def _service(deploy: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((deploy / "docker/compose.yaml").read_text("utf-8"))
    (service,) = found["services"].values()
    return dict(service)


def test_compose_gives_the_container_what_its_configuration_names_and_no_more(deploy: Path) -> None:
    service = _service(deploy)
    config: Config = load(deploy / "docker/strongroom.toml", {})
    mounted = {volume.split(":")[1]: volume for volume in service["volumes"]}
    assert {config.data, config.tls_cert, config.tls_key, "/etc/strongroom/strongroom.toml"} == set(mounted)
    assert all(volume.endswith(":ro") for path, volume in mounted.items() if path != config.data)
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] == service["memswap_limit"]
    assert service["ports"] == [f"127.0.0.1:{config.listen.rsplit(':', 1)[1]}:8200"]
    build = service["build"]
    assert (deploy / "docker" / build["context"] / build["dockerfile"]).is_file()
    assert service["image"].endswith(f":{VERSION}")
