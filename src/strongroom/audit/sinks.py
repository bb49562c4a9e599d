"""The devices a server feeds: enabled, listed, reopened and removed while it runs."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from strongroom.audit.cursor import Cursor, Device, Sink, SinkStatus, Source
from strongroom.audit.devices.file import FileDevice, FileOptions
from strongroom.audit.devices.options import DevicePolicy, read_options
from strongroom.audit.devices.socket import SocketDevice, SocketOptions
from strongroom.audit.devices.syslog import SyslogDevice, SyslogOptions
from strongroom.errors import InvalidRequest, NotFound

Given = Mapping[str, object]
Tell = Callable[[str, str], None]


def _http(given: Given, policy: DevicePolicy) -> Device:
    # The HTTP client is a third of a server's start and 15 MB: only who posts the log pays for it.
    from strongroom.audit.devices.http import HttpDevice, HttpOptions  # noqa: PLC0415

    return HttpDevice(read_options(HttpOptions, given), policy)


DEVICES: dict[str, Callable[[Given, DevicePolicy], Device]] = {
    "file": lambda given, policy: FileDevice(read_options(FileOptions, given), policy),
    "syslog": lambda given, policy: SyslogDevice(read_options(SyslogOptions, given), policy),
    "socket": lambda given, policy: SocketDevice(read_options(SocketOptions, given), policy),
    "http": _http,
}


def _untold(name: str, error: str) -> None:
    """Where nobody asked to be told."""


class Sinks:
    """Every enabled device by name, which is its path in Vault's API (`file/`)."""

    def __init__(self, log: Source, directory: Path, policy: DevicePolicy, tell: Tell = _untold) -> None:
        """`directory` is the log's; cursors are kept below it.

        `tell` hears the name of a device that fails, with the reason, and when it takes entries again
        (no reason).
        """
        self._log = log
        self._directory = directory
        self._policy = policy
        self._tell = tell
        self._sinks: dict[str, Sink] = {}

    def check(self, kind: str, options: Given) -> Device:
        """The device that these options describe, not yet fed.

        Raises InvalidRequest for options that are wrong or reach what the configuration does not allow.
        """
        if kind not in DEVICES:
            raise InvalidRequest(f"unknown audit device type; there are {', '.join(DEVICES)}")
        return DEVICES[kind](options, self._policy)

    def enable(self, name: str, kind: str, options: Given) -> None:
        """Feed a device from where its cursor stands, or from now on when it is new.

        Raises InvalidRequest for options that are wrong or reach what the configuration does not allow.
        """
        if name in self._sinks:
            raise InvalidRequest(f"an audit device is already enabled at {name}")
        device = self.check(kind, options)
        cursor = Cursor(self._directory / "cursors" / quote(name, safe=""))
        saved = cursor.load()
        start = self._log.size if saved is None else min(saved, self._log.size)
        if saved is None:
            cursor.save(start)
        tell = partial(self._tell, name)
        self._sinks[name] = Sink(self._log, self._directory, device, cursor, start, tell)

    async def disable(self, name: str, patience: float = 5.0) -> None:
        """Deliver what the log holds now, then stop and forget the cursor. Raises NotFound."""
        sink = self._sinks.pop(name, None)
        if sink is None:
            raise NotFound(f"no audit device is enabled at {name}")
        await sink.stop(patience, forget=True)

    def status(self) -> dict[str, SinkStatus]:
        """How far each device is."""
        return {name: sink.status() for name, sink in self._sinks.items()}

    def reopen(self) -> None:
        """Open every destination afresh (SIGHUP)."""
        for sink in self._sinks.values():
            sink.reopen()

    async def close(self, patience: float = 5.0) -> None:
        """Deliver what the log holds now, save the cursors and stop, all at once."""
        stopping = [sink.stop(patience) for sink in self._sinks.values()]
        self._sinks.clear()
        await asyncio.gather(*stopping)
