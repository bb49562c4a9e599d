"""Who read a version of a secret, exactly, from the audit log.

The log is read in order with bounded memory, by the thread that calls it. A read counts when its
answer was given: a request by the path, or by the mount's accessor where the mount has moved, and
an answer without error that states the version. What was wrapped leads to whoever unwrapped it.
"""

from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from strongroom.audit.segments import Reader, segments
from strongroom.errors import IntegrityFailure
from strongroom.findings.life import Change, Life

MAX_READERS = 2000
MAX_ENTRIES = 1000  # of one reader
MAX_CHANGES = 500
MAX_OPEN = 20_000  # requests whose answers are still to come
MAX_ADDRESSES = 50
UNWRAP = "sys/wrapping/unwrap"


class Wanted(NamedTuple):
    """Reads of `inner` below a mount, of `version` (0 for any), from `since` to `until` (RFC 3339, "" open).

    `changes` are paths below the mount whose changes matter too: writes and destruction. `created` is
    when the version was made, in seconds since the epoch.
    """

    mount: str
    accessor: str
    inner: str
    version: int
    since: str
    changes: tuple[str, ...] = ()
    until: str = ""
    created: float = 0.0


class Who(Struct, frozen=True):
    """The part of an entry that says who."""

    display_name: str = ""
    entity_id: str = ""
    accessor: str = ""
    metadata: dict[str, str] | None = None
    path: str = ""

    @property
    def identity(self) -> str:
        """The name that the inventory uses: the entity, else the login with its role."""
        if self.entity_id:
            return self.entity_id
        role = (self.metadata or {}).get("role_name")
        return f"{self.display_name}:{role}" if role else self.display_name


class Asked(Struct, frozen=True):
    """The part of an entry that says what was asked."""

    id: str = ""
    operation: str = ""
    path: str = ""
    mount_point: str = ""
    mount_accessor: str = ""
    remote_address: str = ""
    reason: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Wrap(Struct, frozen=True):
    """The token that an answer was put behind, hashed."""

    token: str = ""
    accessor: str = ""


class Given(Struct, frozen=True):
    """The part of an entry that says what was answered."""

    facts: dict[str, str | int] = {}
    wrap_info: Wrap | None = None


class Line(Struct, frozen=True):
    """An entry, as far as it matters here."""

    seq: int
    time: str
    type: str
    auth: Who = Who()
    request: Asked = Asked()
    response: Given = Given()
    error: str = ""


class Reads(Struct, kw_only=True):
    """One identity's reads. `entries` are sequences of requests and answers, the first of very many."""

    identity: str
    display_name: str
    first: str
    last: str
    count: int = 0
    addresses: list[str] = []
    reasons: list[str] = []
    entries: list[int] = []
    wrapped: bool = False


class Found(Struct):
    """What the log says. `complete` is false when more was there than is listed.

    `until` is when the version ended by a change of the secret, 0 if none has ended it.
    """

    readers: dict[str, Reads] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    size: int = 0
    complete: bool = True
    until: float = 0.0
    ended_by: str = ""


_LINE = msgspec.json.Decoder(Line)


def search(directory: Path, size: int, wanted: Wanted) -> Found:
    """Search the first `size` entries of a log. Raises IntegrityFailure for one that is damaged."""
    finder = _Finder(wanted)
    reader = Reader(directory, _start(directory, wanted.since))
    try:
        while lines := reader.read(size):
            for line in lines:
                if any(needle in line for needle in finder.needles):
                    finder.look(line)
    finally:
        reader.close()
    found = finder.found
    found.size, found.until, found.ended_by = size, finder.life.until, finder.life.ended_by
    return found


class _Finder:
    """Pairs requests with their answers."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._asked: OrderedDict[str, tuple[int, Asked]] = OrderedDict()
        self._wrapped: dict[str, Reads] = {}
        self.life = Life(wanted.version, wanted.created)
        self.found = Found()
        inner = (wanted.inner, *wanted.changes)
        self.needles = [msgspec.json.encode(path)[1:] for path in inner] + [UNWRAP.encode()]

    def look(self, line: bytes) -> None:
        """Take in one entry that may matter."""
        try:
            entry = _LINE.decode(line)
        except msgspec.DecodeError as error:
            raise IntegrityFailure("an entry of the audit log cannot be read") from error
        wanted = self._wanted
        if entry.time < wanted.since or (wanted.until and entry.time > wanted.until):
            return
        if entry.type == "request":
            self._request(entry)
        elif entry.request.path == UNWRAP and not entry.error:
            self._unwrapped(entry)
        else:
            self._answer(entry)

    def _request(self, entry: Line) -> None:
        request = entry.request
        if not entry.error and (request.path == UNWRAP or self._inner(request)):
            self._asked[request.id] = entry.seq, request
            if len(self._asked) > MAX_OPEN:
                self._asked.popitem(last=False)
                self.found.complete = False

    def _inner(self, request: Asked) -> str:
        """The path below the mount, "" for another mount's."""
        here = request.mount_accessor == self._wanted.accessor or request.mount_point == self._wanted.mount
        inner = request.path[len(request.mount_point) :] if here else ""
        return inner if inner == self._wanted.inner or inner in self._wanted.changes else ""

    def _answer(self, entry: Line) -> None:
        asked, request = self._asked.pop(entry.request.id, (0, None))
        if request is None or entry.error:
            return
        if request.operation != "read":
            self._changed(entry, asked, request)
        elif self._inner(request) == self._wanted.inner:
            version = entry.response.facts.get("version", 0)
            own = version == self._wanted.version and self.life.covers(entry.time)
            if own or not self._wanted.version:
                self._read(entry, asked, request)

    def _changed(self, entry: Line, asked: int, request: Asked) -> None:
        facts = entry.response.facts
        numbers = str(facts.get("versions", "")).split(",")
        change = Change(
            asked=asked,
            seq=entry.seq,
            time=entry.time,
            identity=entry.auth.identity,
            operation=request.operation,
            path=request.path,
            family=self._inner(request).partition("/")[0],
            versions=tuple(int(number) for number in numbers if number.isdecimal()),
            oldest=int(facts.get("oldest", 0)),
        )
        self.life.take(change)
        if len(self.found.changes) < MAX_CHANGES:
            self.found.changes.append(change)
        else:
            self.found.complete = False

    def _read(self, entry: Line, asked: int, request: Asked) -> None:
        identity = entry.auth.identity
        reads = self.found.readers.get(identity)
        if reads is None:
            if len(self.found.readers) >= MAX_READERS:
                self.found.complete = False
                return
            reads = Reads(
                identity=identity,
                display_name=entry.auth.display_name,
                first=entry.time,
                last=entry.time,
                addresses=[],
                reasons=[],
                entries=[],
            )
            self.found.readers[identity] = reads
        reads.count += 1
        reads.last = entry.time
        self._add(reads, (asked, entry.seq), request)
        if entry.response.wrap_info is not None:
            reads.wrapped = True
            self._wrapped[entry.response.wrap_info.token] = reads
            self._wrapped[entry.response.wrap_info.accessor] = reads

    def _unwrapped(self, entry: Line) -> None:
        """Whoever used the wrapping token had the value: from which address."""
        asked, request = self._asked.pop(entry.request.id, (0, None))
        if request is None or not self._wrapped:
            return
        sent = msgspec.json.decode(request.data)
        token = sent.get("token", "") if isinstance(sent, dict) else ""
        reads = self._wrapped.get(token) or self._wrapped.get(entry.auth.accessor)
        if reads is not None:
            self._add(reads, (asked, entry.seq), request)

    def _add(self, reads: Reads, entries: tuple[int, int], request: Asked) -> None:
        if len(reads.entries) < MAX_ENTRIES:
            reads.entries.extend(entries)
        else:
            self.found.complete = False
        _note(reads.addresses, request.remote_address)
        _note(reads.reasons, request.reason)


def _note(known: list[str], text: str) -> None:
    if text and text not in known and len(known) < MAX_ADDRESSES:
        known.append(text)


def _start(directory: Path, since: str) -> int:
    """The first sequence of the last segment that begins before `since`; 0 when none is known to."""
    start = 0
    for segment in segments(directory):
        with segment.path.open("rb") as file:
            line = file.readline().strip()
        if not line:
            continue
        if _LINE.decode(line).time > since:
            break
        start = segment.first
    return start
