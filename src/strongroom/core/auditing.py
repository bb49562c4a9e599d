"""What each request leaves in the audit log: who, what, which version, when, from where, why, outcome.

Data is shown as keyed hashes only, tokens and accessors too. What many entries
have in common is encoded once and kept: an entry is mostly put together from bytes.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from strongroom.clock import Clock, rfc3339
from strongroom.core.audit_entry import Form, entry_of, failed, members, namespace_of, remember
from strongroom.core.hasher import Hasher
from strongroom.core.tokens import Session
from strongroom.errors import StrongroomError
from strongroom.framework import Auth, Mount, Operation, Request, Response
from strongroom.framework.audit import AuditLog

_encode = msgspec.json.Encoder().encode
_NO_AUTH = b"{}"
_NO_RESPONSE = b'"response":{}'
_GIVEN_AGAIN = frozenset({Operation.READ, Operation.LIST, Operation.SCAN})
_KEPT_HEADERS = ("user-agent", "x-forwarded-for")


class Auditing:
    """Makes entries and hands them to the log; no entry, no answer."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self.log = log
        self._clock = clock
        self.hasher = Hasher(b"")
        self._second = -1
        self._stamp = b""
        self._origins: dict[tuple[str, ...], bytes] = {}
        self._allowed: dict[str, bytes] = {}

    def open(self, key: bytes) -> None:
        """Take the audit key at unseal."""
        self.hasher = Hasher(key)

    def close(self) -> None:
        """Forget the key at seal: values are then left out."""
        self.hasher = Hasher(b"")

    def time(self, now: float | None = None) -> bytes:
        """Now, as the entries write it: UTC with microseconds."""
        now = self._clock.now() if now is None else now
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

    def origin(self, request: Request) -> bytes:
        """Where a request came from, as members of its entry; a client's are mostly the same."""
        headers = request.headers
        key = (request.remote, headers.get("user-agent", ""), headers.get("x-forwarded-for", ""))
        made = self._origins.get(key)
        if made is None:
            kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
            made = members({"remote_address": request.remote, "headers": kept})
            remember(self._origins, key, made)
        return made

    def allowed(self, rule: str) -> bytes:
        """The outcome of a request that `rule` allows, as a member of its entry."""
        made = self._allowed.get(rule)
        if made is None:
            made = members({"policy_results": {"allowed": True, "rule": rule}})
            remember(self._allowed, rule, made)
        return made


class Trail:
    """The entries of one request: one when it is decided, one when it is answered.

    `derived` is kept with the request's target: what its entries say of path and mount, made once.
    """

    __slots__ = (
        "_auditing", "_auth", "_brief", "_derived", "_identifier", "_mount", "_request", "_tickets",
        "decided", "forms",
    )  # fmt: skip

    def __init__(
        self,
        auditing: Auditing,
        request: Request,
        mount: Mount | None,
        derived: dict[str, Any] | None = None,
    ) -> None:
        self._auditing = auditing
        self._request = request
        self._mount = mount
        self._derived = {} if derived is None else derived
        self._auth = _NO_AUTH
        self._brief = b""
        self._identifier = _encode(request.id)
        self._tickets: list[int] = []
        self.forms: list[Form] = []
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
        request, mount, auditing = self._request, self._mount, self._auditing
        self._brief, accessor = self._place()
        reason = request.headers.get("x-strongroom-reason")
        if reason:
            self._brief += b',"reason":%b' % _encode(reason)
        plain = mount.config.audit_non_hmac_request_keys if mount else ()
        data, origin = self._data(request, plain), auditing.origin(request)
        wrapping = b',"wrap_ttl":%d' % request.wrap_ttl if request.wrap_ttl else b""
        described = b'%b,%b,"data":%b,%b%b' % (self._brief, accessor, data, origin, wrapping)
        if error is None:
            outcome = auditing.allowed(rule)
        else:
            outcome = failed(b'"policy_results":{"allowed":false,"rule":%b}' % _encode(rule), error)
        self._append(b"request", described, outcome)

    async def recorded(self) -> None:
        """Return once what was written so far is on disk: before a write is committed, before an answer."""
        for ticket in self._tickets:
            await self._auditing.log.flushed(ticket)
        self._tickets.clear()

    async def refused(self, error: StrongroomError) -> None:
        """Write the answer's entry for an error and wait for it."""
        self.decide(error=error)
        self._append(b"response", self._brief, failed(_NO_RESPONSE, error))
        await self.recorded()

    async def answered(self, response: Response) -> None:
        """Write the answer's entry and wait until it is on disk."""
        self.decide()
        plain = self._mount.config.audit_non_hmac_response_keys if self._mount else ()
        self._append(b"response", self._brief, self._outcome(response, plain))
        await self.recorded()

    def _place(self) -> tuple[bytes, bytes]:
        """What both entries say of path and mount, and the mount's accessor for the first one."""
        place: tuple[bytes, bytes] | None = self._derived.get("audit")
        if place is None:
            request, mount = self._request, self._mount
            brief = members(
                {
                    "operation": request.operation.value,
                    "path": request.path,
                    "namespace": namespace_of(request, mount),
                    "mount_point": mount.path if mount else "",
                    "mount_type": mount.kind if mount else "",
                }
            )
            place = brief, members({"mount_accessor": mount.accessor if mount else ""})
            self._derived["audit"] = place
        return place

    def _data(self, request: Request, plain: tuple[str, ...]) -> bytes:
        try:
            fields = request.fields
        except StrongroomError:
            return b"null"
        return _encode(self._auditing.hasher.members(fields, plain)) if fields else b"null"

    def _outcome(self, response: Response, plain: tuple[str, ...]) -> bytes:
        data = b""
        if response.data is not None and response.raw is None:
            data = b'"data":%b' % self._shown(response, plain)
        rest = self._rest(response)
        return b'"response":{%b%b%b}' % (
            data,
            b"," if data and rest else b"",
            members(rest) if rest else b"",
        )

    def _shown(self, response: Response, plain: tuple[str, ...]) -> bytes:
        """The answer's data, hashed."""
        hasher, data = self._auditing.hasher, response.data
        response.encoded = _encode(data)
        if plain and isinstance(data, dict):
            return _encode(hasher.members(data, plain))
        if self._request.operation in _GIVEN_AGAIN:
            return hasher.shown(data, response.encoded)
        return _encode(hasher.hide(data))

    def _rest(self, response: Response) -> dict[str, Any]:
        """What an answer's entry says besides its data."""
        hasher = self._auditing.hasher
        described: dict[str, Any] = {}
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

    def _append(self, kind: bytes, request: bytes, outcome: bytes) -> None:
        """Queue an entry; `request` is what the object says besides the id, `outcome` its neighbours."""
        auditing = self._auditing
        form = (
            b'","type":"%b","auth":%b,"request":{"id":' % (kind, self._auth),
            b",%b},%b}" % (request, outcome),
        )
        self.forms.append(form)
        self._tickets.append(auditing.log.append(entry_of(form, auditing.time(), self._identifier)))
