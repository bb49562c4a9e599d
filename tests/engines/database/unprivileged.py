"""Database servers refuse to run as root: where tests do, they run as nobody."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

NOBODY = 65534


def handed_over(directory: Path, *owned: Path) -> None:
    """Let an unprivileged server reach `owned` below `directory`."""
    if os.geteuid() != 0:
        return
    for path in owned:
        os.chown(path, NOBODY, NOBODY)
    for path in (directory, *directory.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)


def run_as(data: Path, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    """Start a program as an unprivileged user, quietly."""
    user = NOBODY if os.geteuid() == 0 else None
    log = (data.parent / "server.log").open("ab")
    with log:
        return subprocess.Popen(
            [str(part) for part in command],
            stdout=log,
            stderr=log,
            cwd=data,
            # A starting MariaDB clears the temporary tables of others away: each has a place of its own.
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TMPDIR": str(data)},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


def lasting_port() -> int:
    """A port that is free and that the kernel gives to nobody while its server restarts."""
    first_given_away = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    while True:
        port = 10240 + secrets.randbelow(first_given_away - 10240)  # not `random`: tests seed that alike
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def directory() -> Iterator[Path]:
    """A directory for a server that runs as somebody else.

    Not below pytest's own: each start of pytest closes that to other users.
    """
    with TemporaryDirectory(prefix="strongroom-database-", ignore_cleanup_errors=True) as place:
        yield Path(place)
