"""What each request leaves in the audit log: who, what, which version, when, from where, why, outcome.

Every leaf of data is replaced by a keyed hash, numbers included; keys of maps
stay. Tokens and accessors are hashed too. The same key answers `sys/audit-hash`,
so that an auditor can ask whether a known value was seen.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any
from uuid import uuid4

import msgspec

from strongroom.clock import Clock, rfc3339
from strongroom.core.tokens import Session
from strongroom.crypto.mac import Mac
from strongroom.errors import StrongroomError
from strongroom.framework import Auth, Mount, Request, Response
from strongroom.framework.audit import AuditLog
from strongroom.sensitive import Sensitive

_encode = msgspec.json.Encoder().encode
_NO_AUTH = b"{}"
_SMALL = 100
_SCALARS = frozenset({bool, int, float})
_KEPT_HEADERS = ("user-agent", "x-forwarded-for")
UNAVAILABLE = "hmac-unavailable"


class Hasher:
    """Replaces values by `hmac-sha256:…` under the audit key; without a key nothing is shown at all."""

    __slots__ = ("_common", "_mac")

    def __init__(self, key: bytes) -> None:
        self._mac = Mac(key) if key else None
        # What every answer holds (no text, yes, no, a small version number) is hashed once.
        self._common = {text: self.text(text) for text in ("", "true", "false", *map(str, range(_SMALL)))}

    def text(self, value: str) -> str:
        """Hash one text."""
        if self._mac is None:
            return UNAVAILABLE
        return "hmac-sha256:" + self._mac.hex(value.encode("utf-8", "surrogatepass"))

    def raw(self, body: bytes) -> str:
        """Hash a whole body, as the hash of its text where it is UTF-8."""
        return UNAVAILABLE if self._mac is None else "hmac-sha256:" + self._mac.hex(body)

    def hide(self, value: Any) -> Any:
        """Hash every leaf of a JSON-like value; null stays, an unknown type is named, not shown."""
        kind = type(value)
        if kind is str:
            return self.text(value) if value else self._common[""]
        if value is None:
            return None
        if kind is dict:
            return {key: self.hide(member) for key, member in value.items()}
        if kind is list or kind is tuple:
            return [self.hide(member) for member in value]
        if kind in _SCALARS:
            text = _encode(value).decode()
            return self._common.get(text) or self.text(text)
        return self.hide(_opened(value))

    def members(self, fields: Mapping[str, Any], plain: tuple[str, ...]) -> dict[str, Any]:
        """Hash a map's leaves, but leave the members named in `plain` as they are."""
        if not plain:
            return {name: self.hide(value) for name, value in fields.items()}
        return {name: value if name in plain else self.hide(value) for name, value in fields.items()}


def _opened(value: Any) -> Any:
    """A wrapped value as plain JSON-like parts; of an unknown type only its name."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, Sensitive):
        return value.reveal()
    if isinstance(value, msgspec.Struct | Enum):
        return msgspec.to_builtins(value)
    return type(value).__name__


class Auditing:
    """Makes entries and hands them to the log; no entry, no answer."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self.log = log
        self._clock = clock
        self.hasher = Hasher(b"")
        self._second = -1
        self._stamp = b""

    def open(self, key: bytes) -> None:
        """Take the audit key at unseal."""
        self.hasher = Hasher(key)

    def close(self) -> None:
        """Forget the key at seal: values are then left out."""
        self.hasher = Hasher(b"")

    def time(self) -> bytes:
        """Now, as the entries write it: UTC with microseconds."""
        now = self._clock.now()
        second = int(now)
        if second != self._second:
            self._second, self._stamp = second, rfc3339(second)[:-1].encode()
        return b"%b.%06dZ" % (self._stamp, (now - second) * 1e6)

    async def event(
        self, what: str, path: str, facts: Mapping[str, str | int], *, who: str = "", reason: str = ""
    ) -> int:
        """Write an entry for what the server does by itself, and wait until it is on disk.

        `facts` are harmless words: names, numbers, digests. Returns the log's ticket.
        """
        request = {"id": str(uuid4()), "operation": what, "path": path, "reason": reason}
        entry = b'{"time":"%b","type":"event","auth":%b,"request":%b,"response":%b}' % (
            self.time(),
            _encode({"display_name": who}),
            _encode({name: value for name, value in request.items() if value}),
            _encode({"facts": facts}),
        )
        ticket = self.log.append(entry)
        await self.log.flushed(ticket)
        return ticket

    def auth(self, session: Session, token: str) -> bytes:
        """A session's part of an entry, made once; `token` is the text it was recognised by."""
        made = session.derived.get("audit")
        if made is None:
            entry = session.entry
            made = session.derived["audit"] = _encode(
                {
                    "client_token": self.hasher.text(token),
                    "accessor": self.hasher.text(entry.accessor),
                    "display_name": entry.display_name,
                    "policies": entry.policies,
                    "metadata": entry.metadata,
                    "entity_id": entry.entity_id,
                    "token_type": entry.token_type,
                    "orphan": entry.orphan,
                    "path": entry.path,
                }
            )
        encoded: bytes = made
        return encoded


class Trail:
    """The entries of one request: one when it is decided, one when it is answered."""

    __slots__ = ("_auditing", "_auth", "_described", "_mount", "_request", "_tickets", "decided")

    def __init__(self, auditing: Auditing, request: Request, mount: Mount | None) -> None:
        self._auditing = auditing
        self._request = request
        self._mount = mount
        self._auth = _NO_AUTH
        self._described = b""
        self._tickets: list[int] = []
        self.decided = False

    def who(self, session: Session) -> None:
        """Note whose request it is."""
        token = self._request.token
        self._auth = self._auditing.auth(session, token.reveal() if token else "")

    def unasked(self, who: Mapping[str, Any]) -> None:
        """Note that the server does this of its own accord, and on whose behalf."""
        self._auth = _encode(who)

    def decide(self, rule: str = "", error: StrongroomError | None = None) -> None:
        """Write the request's entry, once: allowed by `rule`, or refused."""
        if self.decided:
            return
        self.decided = True
        request, mount = self._request, self._mount
        plain = mount.config.audit_non_hmac_request_keys if mount else ()
        more: dict[str, Any] = {
            "mount_accessor": mount.accessor if mount else "",
            "remote_address": request.remote,
            "data": self._data(request, plain),
            "headers": {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers},
        }
        if request.wrap_ttl:
            more["wrap_ttl"] = request.wrap_ttl
        described = b"%b,%b" % (self._brief()[:-1], _encode(more)[1:])
        self._append(
            b"request", described, {"policy_results": {"allowed": error is None, "rule": rule}}, error
        )

    async def recorded(self) -> None:
        """Return once what was written so far is on disk: before a write is committed, before an answer."""
        for ticket in self._tickets:
            await self._auditing.log.flushed(ticket)

    async def refused(self, error: StrongroomError) -> None:
        """Write the answer's entry for an error and wait for it."""
        self.decide(error=error)
        self._append(b"response", self._brief(), {"response": {}}, error)
        await self.recorded()

    async def answered(self, response: Response) -> None:
        """Write the answer's entry and wait until it is on disk."""
        self.decide()
        plain = self._mount.config.audit_non_hmac_response_keys if self._mount else ()
        self._append(b"response", self._brief(), {"response": self._answer(response, plain)}, None)
        await self.recorded()

    def _brief(self) -> bytes:
        """What both entries say of the request: a JSON object, made once."""
        if self._described:
            return self._described
        request, mount = self._request, self._mount
        described = {
            "id": request.id,
            "operation": request.operation.value,
            "path": request.path,
            "namespace": {"id": request.namespace or "root"},
            "mount_point": mount.path if mount else "",
            "mount_type": mount.kind if mount else "",
        }
        reason = request.headers.get("x-strongroom-reason")
        if reason:
            described["reason"] = reason
        self._described = _encode(described)
        return self._described

    def _data(self, request: Request, plain: tuple[str, ...]) -> Any:
        try:
            fields = request.fields
        except StrongroomError:
            return None
        return self._auditing.hasher.members(fields, plain) if fields else None

    def _answer(self, response: Response, plain: tuple[str, ...]) -> dict[str, Any]:
        hasher = self._auditing.hasher
        described: dict[str, Any] = {}
        if response.data is not None:
            data = response.data
            described["data"] = hasher.members(data, plain) if isinstance(data, dict) else hasher.hide(data)
        if response.raw is not None:
            described["data"] = {"http_raw_body": hasher.raw(response.raw.body)}
        if response.lease is not None and response.lease.id:
            described["secret"] = {"lease_id": response.lease.id}
        if response.auth is not None:
            described["auth"] = self._issued(response.auth)
        if response.wrap is not None:
            wrap = response.wrap
            described["wrap_info"] = {
                "token": hasher.hide(wrap.token),
                "accessor": hasher.text(wrap.accessor),
                "ttl": wrap.ttl,
                "creation_path": wrap.creation_path,
            }
        if response.facts:
            described["facts"] = response.facts
        return described

    def _issued(self, auth: Auth) -> dict[str, Any]:
        hasher = self._auditing.hasher
        return {
            "client_token": hasher.hide(auth.client_token),
            "accessor": hasher.text(auth.accessor),
            "display_name": auth.display_name,
            "policies": auth.policies,
            "metadata": auth.metadata,
            "token_ttl": auth.lease_duration,
            "token_type": auth.token_type,
        }

    def _append(
        self, kind: bytes, request: bytes, rest: dict[str, Any], error: StrongroomError | None
    ) -> None:
        if error is not None:
            rest = rest | {"error": f"{type(error).__name__}: {error}"}
        entry = b'{"time":"%b","type":"%b","auth":%b,"request":%b,%b' % (
            self._auditing.time(),
            kind,
            self._auth,
            request,
            _encode(rest)[1:],
        )
        self._tickets.append(self._auditing.log.append(entry))
