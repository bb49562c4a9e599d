"""Syslog device: RFC 5424 messages to the local daemon, or over UDP, TCP or TLS.

Sources: RFC 5424 (format), RFC 6587 §3.4.1 and RFC 5425 (octet counting), RFC 5426 (UDP).
API: Vault's `syslog` audit device (`facility`, `tag`), with `address` added. The message is the JSON
line without a byte order mark (MSG-ANY of RFC 5424 §6), which JSON parsers of collectors expect.
"""

import os
import re
import socket
from collections.abc import Sequence
from typing import Annotated, Literal, cast

from msgspec import Meta

from strongroom.audit.devices.connection import Connection, Destination, Scheme
from strongroom.audit.devices.head import fit_datagram, head_of
from strongroom.audit.devices.options import DevicePolicy, Options, Timeout, seconds
from strongroom.errors import InvalidRequest

_FACILITIES = (
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP",
    "NTP", "AUDIT", "ALERT", "CLOCK", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6",
    "LOCAL7",
)  # fmt: skip
_INFORMATIONAL = 6
_ADDRESS = re.compile(r"(unix|udp|tcp|tls)://(.+)")
_FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")


class SyslogOptions(Options, frozen=True, kw_only=True):
    """`address` is unix:///path, udp://, tcp:// or tls://host:port; `ca_pem` is for tls."""

    address: str = "unix:///dev/log"
    facility: str = "AUTH"
    tag: Annotated[str, Meta(pattern=r"^[!-~]{1,48}$")] = "strongroom"
    write_timeout: Timeout = "5s"
    ca_pem: str = ""
    framing: Literal["octet-counting", "newline"] = "octet-counting"


class SyslogDevice:
    """Sends lines as syslog messages."""

    def __init__(self, options: SyslogOptions, policy: DevicePolicy) -> None:
        """Raises InvalidRequest for an unknown facility or an address that is not allowed."""
        if options.facility.upper() not in _FACILITIES:
            raise InvalidRequest("unknown syslog facility")
        self._priority = _FACILITIES.index(options.facility.upper()) * 8 + _INFORMATIONAL
        self._source = f"{socket.gethostname() or '-'} {options.tag} {os.getpid()}"
        self._counted = options.framing == "octet-counting"
        timeout = seconds(options.write_timeout)
        self._connection = Connection(_destination(options.address), policy.outbound, timeout, options.ca_pem)

    async def deliver(self, lines: Sequence[bytes]) -> None:
        """Send the lines."""
        await self._connection.send([self._frame(line) for line in lines])

    async def settle(self) -> None:
        """Nothing to do: syslog has no receipt."""

    def reopen(self) -> None:
        """Nothing to do: a broken connection is made again by itself."""

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    def _frame(self, line: bytes) -> bytes:
        if not self._connection.to.stream:
            return self._message(fit_datagram(line))
        message = self._message(line)
        return b"%d %b" % (len(message), message) if self._counted else message + b"\n"

    def _message(self, line: bytes) -> bytes:
        head = head_of(line)
        time = _FRACTION.sub(r"\1", head.time) or "-"  # RFC 5424 §6.2.3: six digits at most
        header = f"<{self._priority}>1 {time} {self._source} {head.type or '-'} - "
        return header.encode() + line


def _destination(address: str) -> Destination:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InvalidRequest("a syslog address is spelled unix:///path, udp://, tcp:// or tls://host:port")
    scheme = "unixgram" if match[1] == "unix" else match[1]
    return Destination.parse(cast(Scheme, scheme), match[2])
