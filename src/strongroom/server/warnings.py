"""What is unsafe about the host and the configuration, said at every start. See docs/threat-model.md."""

import ctypes
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from strongroom.server.address import Address
from strongroom.server.config import Config
from strongroom.server.hardening import dumpable
from strongroom.server.storage import database_address

_NETWORK_FILESYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "afs"})
_TIME_ERROR = 5
_TIMEX_BYTES = 512


def warnings(config: Config, address: Address, config_file: Path | None) -> Iterator[str]:
    """One sentence for each assumption of the threat model that does not hold."""
    if _swap_in_use(Path("/proc/swaps")):
        yield "swap is on: secrets may reach the disk unencrypted; turn it off or encrypt it"
    if dumpable():
        yield "core dumps are possible: a crash may write secrets to disk; set RLIMIT_CORE to 0"
    if not config.tls_cert and not address.loopback:
        yield "plain HTTP is served off loopback: whoever is on the path reads tokens and secrets; use TLS"
    yield from _about_database(config)
    if config.data:
        yield from _about_directories(config)
    if config_file is not None and _open_to_others(config_file):
        yield f"{config_file} can be read or changed by every user of this host; chmod 0600 it"
    if config.tls_key and _open_to_others(Path(config.tls_key)):
        yield f"{config.tls_key} can be read or changed by every user of this host; chmod 0600 it"
    if not _clock_synchronised():
        yield "the system clock is not synchronised: expiry times and audit entries may be wrong; run NTP"


def _about_database(config: Config) -> Iterator[str]:
    if config.storage.kind == "postgresql" and database_address(config).weak:
        yield "the database's certificate is not checked: whoever is on the path can change what is stored"


def single_share(shares: int) -> str | None:
    """The warning for a seal that one person opens alone; None when it takes several."""
    if shares > 1:
        return None
    return "one unseal share opens this server: whoever holds it holds everything; rekey with more"


def _about_directories(config: Config) -> Iterator[str]:
    data = Path(config.data)
    for name, directory in (("data", data), ("audit", data / "audit")):
        kind = filesystem_of(directory, Path("/proc/self/mountinfo"))
        if kind in _NETWORK_FILESYSTEMS:
            yield f"the {name} directory is on {kind}: a network file system may lose what it acknowledged"
            break
    if _open_to_others(data):
        yield f"{data} can be read by every user of this host; chmod 0700 it"


def _swap_in_use(swaps: Path) -> bool:
    """Whether the kernel lists a swap area besides the header line; compressed memory is none."""
    try:
        lines = swaps.read_text().splitlines()[1:]
    except OSError:
        return False
    return any(not line.startswith("/dev/zram") for line in lines)


def filesystem_of(path: Path, mountinfo: Path) -> str:
    """The type of the file system that holds `path`; empty when it cannot be told (proc(5))."""
    wanted, best, kind = os.path.realpath(path), "", ""
    try:
        lines = mountinfo.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4].encode().decode("unicode_escape")
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind


def _open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False


def _clock_synchronised() -> bool:
    """Ask adjtimex(2) without changing anything; true where the platform cannot say."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))) != _TIME_ERROR
    except (AttributeError, OSError):
        return True
