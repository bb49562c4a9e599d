"""Tokens: issuing, recognising, using up, renewing and revoking.

A token's text is known to its holder only; storage knows a keyed hash. Looked-up
tokens are kept in memory as sessions, dropped the moment one changes.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.clock import Clock
from strongroom.core import batch_tokens, token_store
from strongroom.core import ttl as ttls
from strongroom.core.keys import Keys
from strongroom.core.token_entry import TokenEntry
from strongroom.core.token_format import BATCH, SERVICE, fingerprint, mint, random_text
from strongroom.crypto.mac import Mac
from strongroom.errors import PermissionDenied
from strongroom.framework import Caller, Mount
from strongroom.sensitive import Sensitive

CACHED_SESSIONS = 50_000
DENIED = "permission denied"


@dataclass(slots=True)
class Session:
    """A token in use: its entry, its harmless side, and what others derive from it once."""

    entry: TokenEntry
    caller: Caller
    derived: dict[str, Any] = field(default_factory=dict)


class Tokens:
    """The token service; works while the barrier is open."""

    def __init__(self, clock: Clock, begin: Callable[[], BarrierTransaction]) -> None:
        self._clock = clock
        self._begin = begin
        self._keys: Keys | None = None
        self._mac: Mac | None = None
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._changes = 0

    @property
    def keys(self) -> Keys:
        """The core's keys; absent while sealed."""
        if self._keys is None:
            raise PermissionDenied(DENIED)
        return self._keys

    def open(self, keys: Keys) -> None:
        """Take the keys at unseal."""
        self._keys = keys
        self._mac = Mac(keys.token_id)

    def close(self) -> None:
        """Forget keys and sessions at seal."""
        self._keys = self._mac = None
        self.forget_all()

    def id_of(self, text: str) -> str:
        """The storage name of a token's text."""
        if self._mac is None:
            raise PermissionDenied(DENIED)
        return self._mac.hex(text.encode())

    def forget(self, *tokens: str) -> None:
        """Drop sessions of tokens that changed."""
        self._changes += 1
        for token in tokens:
            self._sessions.pop(token, None)

    def forget_all(self) -> None:
        """Drop every session."""
        self._changes += 1
        self._sessions.clear()

    async def session(self, token: Sensitive[str] | None, remote: str) -> Session:
        """Recognise a request's token.

        Raises PermissionDenied when it is absent, unknown, expired, spent or used
        from an address it is not bound to: the answer does not tell which.
        """
        session = self.known(token, remote)
        if session is None and token is not None:
            text = token.reveal()
            session = self._usable(await self._load(self.id_of(text), text), remote)
        if session is None:
            raise PermissionDenied(DENIED)
        return session

    def known(self, token: Sensitive[str] | None, remote: str) -> Session | None:
        """The same where nothing need be waited for: the session is in memory, its uses unlimited."""
        if token is None:
            return None
        made_by, name = token.named
        if made_by is not self._mac or made_by is None:
            name = self.id_of(token.reveal())
            token.named = (self._mac, name)
        session = self._sessions.get(name)
        return None if session is None else self._usable(session, remote)

    def holds(self, session: Session) -> bool:
        """Whether a session is in memory still: nothing about its token has changed, nor was it sealed."""
        return self._sessions.get(session.entry.id) is session

    def _usable(self, session: Session, remote: str) -> Session:
        entry = session.entry
        if (entry.expires and entry.expires <= self._clock.now()) or entry.num_uses < 0:
            raise PermissionDenied(DENIED)
        if entry.bound_cidrs and not within(remote, entry.bound_cidrs):
            raise PermissionDenied(DENIED)
        return session

    async def _load(self, name: str, text: str) -> Session:
        if text.startswith(BATCH):
            batch = await self._open_batch(name, text)
            return Session(batch, batch.caller())
        seen = self._changes
        tx = self._begin()
        entry = await token_store.find(tx, name)
        await tx.commit()
        if entry is None:
            raise PermissionDenied(DENIED)
        session = Session(entry, entry.caller())
        if seen == self._changes and not entry.num_uses:
            self._sessions[name] = session
            if len(self._sessions) > CACHED_SESSIONS:
                self._sessions.popitem(last=False)
        return session

    async def _open_batch(self, name: str, text: str) -> TokenEntry:
        entry = batch_tokens.opened(self.keys.batch, name, text)
        if entry.parent:
            tx = self._begin()
            parent = await token_store.find(tx, entry.parent)
            if parent is None or (parent.expires and parent.expires <= self._clock.now()):
                raise PermissionDenied(DENIED)
        return entry

    @staticmethod
    async def stored(tx: BarrierTransaction, token: str) -> TokenEntry | None:
        """A token by its storage name, read in a transaction; None when it is gone."""
        return await token_store.find(tx, token)

    async def use_up(self, session: Session) -> bool:
        """Charge one use before anything is done, durably; True when it was the last.

        Raises PermissionDenied when none is left, Conflict when another use came between.
        """
        if session.entry.num_uses == 0:
            return False
        tx = self._begin()
        entry = await token_store.find(tx, session.entry.id)
        if entry is None or entry.num_uses < 0:
            raise PermissionDenied(DENIED)
        last = entry.num_uses == 1
        entry.num_uses = -1 if last else entry.num_uses - 1
        token_store.view(tx).put(f"id/{entry.id}", entry)
        await tx.commit()
        session.entry = entry
        return last

    def issue(self, tx: BarrierTransaction, entry: TokenEntry, text: str = "") -> Sensitive[str]:
        """Record a new token (its `id` and `accessor` are set here) and return its text.

        A batch token is recorded nowhere: its text is the sealed entry.
        """
        if entry.token_type == "batch":
            return Sensitive(batch_tokens.sealed(self.keys.batch, entry))
        text = text or mint(self.keys.token_tag, SERVICE)
        entry.id = self.id_of(text)
        entry.accessor = random_text(24)
        entry.fingerprint = fingerprint(text)
        token_store.save(tx, self.keys.token_id, entry)
        return Sensitive(text)

    async def renew(self, tx: BarrierTransaction, entry: TokenEntry, increment: int, mount: Mount) -> int:
        """Extend a token and return its new time to live in seconds.

        Raises PermissionDenied when it cannot be renewed.
        """
        now = self._clock.now()
        default, maximum = mount_ttls(mount)
        ttl = ttls.granted(
            increment or entry.ttl,
            default,
            ttls.smallest(entry.max_ttl, maximum),
            entry.created,
            now,
            period=entry.period,
            explicit_max=entry.explicit_max_ttl,
        )
        await token_store.extend(tx, entry, ttl, now)
        return ttl


def mount_ttls(mount: Mount) -> tuple[int, int]:
    """A mount's default and maximum time to live, after the system's."""
    maximum = mount.config.max_lease_ttl or ttls.MAX_LEASE_TTL
    return min(mount.config.default_lease_ttl or ttls.DEFAULT_LEASE_TTL, maximum), maximum


def within(remote: str, cidrs: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; an unreadable address lies in none."""
    try:
        address = ip_address(remote)
    except ValueError:
        return False
    return any(address in ip_network(cidr, strict=False) for cidr in cidrs)
