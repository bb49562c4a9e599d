"""Where `strongroom audit` reads from: a data directory, or a server's `sys/audit-log` routes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec
from msgspec import Struct

from strongroom.audit import evidence
from strongroom.audit.checkpoint import parse
from strongroom.audit.segments import Reader, segments
from strongroom.cli import config, tokens
from strongroom.cli.audit_line import printable
from strongroom.cli.client import Client, Refused, options
from strongroom.cli.errors import DENIED, LOGIN, UNREACHABLE, USAGE, Failure
from strongroom.errors import InvalidRequest, NotFound, StrongroomError, UpstreamFailed

if TYPE_CHECKING:
    import argparse


T = TypeVar("T")


class Source(Protocol):
    """What the subcommands ask. `poll_seconds` is how often to look while following."""

    poll_seconds: float

    def checkpoint(self) -> str:
        """The latest signed checkpoint."""
        ...

    def proof(self, sequence: int) -> bytes:
        """A proof file for an entry."""
        ...

    def growth(self, checkpoint: str) -> bytes:
        """A proof file that the latest checkpoint extends this one."""
        ...

    def size(self) -> int:
        """How many entries the log has now."""
        ...

    def entries(self, start: int, limit: int) -> list[bytes]:
        """Log lines from a sequence on."""
        ...

    def own(self, path: str) -> bool:
        """Whether an entry of that path comes from following the log, and would follow itself."""
        ...


class Directory:
    """A log's directory, read without the server."""

    poll_seconds = 0.25

    def __init__(self, path: Path) -> None:
        self.path = path / "audit" if (path / "audit").is_dir() else path
        self._reader: Reader | None = None
        if not self.path.is_dir():
            raise InvalidRequest(f"there is no audit log in {path}")

    def checkpoint(self) -> str:
        """The latest signed checkpoint."""
        return evidence.latest_checkpoint(self.path)

    def proof(self, sequence: int) -> bytes:
        """A proof file for an entry, against the latest checkpoint."""
        return evidence.encode_proof(evidence.prove_inclusion(self.path, sequence))

    def growth(self, checkpoint: str) -> bytes:
        """A proof file that the latest checkpoint extends this one."""
        return evidence.encode_proof(evidence.prove_consistency(self.path, checkpoint))

    def entries(self, start: int, limit: int) -> list[bytes]:
        """Log lines from a sequence on."""
        if self._reader is None or self._reader.next != start:
            self._reader = Reader(self.path, start)
        return self._reader.read(start + limit)

    def own(self, path: str) -> bool:
        """Reading files leaves no entry."""
        return False

    def size(self) -> int:
        """How many whole lines the log has."""
        found = segments(self.path)
        if not found:
            return 0
        with found[-1].path.open("rb") as file:
            return found[-1].first + sum(
                block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")
            )


class Server:
    """A running server, asked with the caller's token."""

    poll_seconds = 2.0  # each look makes entries

    def __init__(self, client: Client) -> None:
        self._client = client

    def checkpoint(self) -> str:
        """A checkpoint signed now."""
        return _decode(self._ask("GET", "checkpoint"), Signed).data.checkpoint

    def proof(self, sequence: int) -> bytes:
        """A proof file for an entry, against a checkpoint signed now."""
        return self._ask("GET", f"proof/{sequence}") + b"\n"

    def growth(self, checkpoint: str) -> bytes:
        """A proof file that a checkpoint signed now extends this one."""
        return self._ask("POST", "consistency", {"old": checkpoint}) + b"\n"

    def entries(self, start: int, limit: int) -> list[bytes]:
        """Log lines from a sequence on."""
        try:
            body = self._ask("GET", "entries", query={"start": str(start), "limit": str(limit)})
        except NotFound:
            return []
        return [bytes(line) for line in _decode(body, Page).data.entries]

    def size(self) -> int:
        """How many entries the log has now."""
        return parse(self.checkpoint()).size

    def own(self, path: str) -> bool:
        """Each look at the server's log is an entry in it."""
        return path == "sys/audit-log/entries"

    def _ask(
        self, method: str, path: str, body: dict[str, str] | None = None, query: dict[str, str] | None = None
    ) -> bytes:
        try:
            answer = self._client.request(method, f"sys/audit-log/{path}", body, query=query, raw=True)
        except Refused as refused:
            raise self._explained(refused, path) from None
        finally:
            self._client.close()
        return answer.raw.rstrip(b"\n")

    def _explained(self, refused: Refused, path: str) -> StrongroomError:
        """Three lines: what was refused, why, and what to do."""
        address, whole = self._client.options.address, f"sys/audit-log/{path}"
        said = "; ".join(printable(text) for text in refused.messages)
        if refused.status == 403 and self._client.options.token is None:
            return Failure(
                LOGIN, f"you are not logged in to {address}", "There is no token.", "Log in: strongroom login"
            )
        if refused.status == 403:
            needed = "read" if refused.method == "GET" else "update"
            rule = f'path "{whole}" {{ capabilities = ["{needed}"] }}'
            why = f"{said or 'permission denied'}."
            return Failure(DENIED, f"the token may not use {whole}", why, f"A policy can allow it: {rule}")
        if refused.status == 404:
            return NotFound(f"{address} has no {whole}\n{said or 'Nothing is there'}.")
        if refused.status in (501, 503):
            return Failure(UNREACHABLE, f"{address} cannot answer now", f"{said}.", "strongroom status")
        code = USAGE if refused.status < 500 else UNREACHABLE
        return Failure(code, f"{address} answered {refused.status}", f"{said}." if said else "")


class SignedData(Struct, frozen=True):
    """The body of `sys/audit-log/checkpoint`."""

    checkpoint: str


class Signed(Struct, frozen=True):
    """The answer around it."""

    data: SignedData


class PageData(Struct, frozen=True):
    """The body of `sys/audit-log/entries`; lines keep their bytes, which the tree hashes."""

    entries: list[msgspec.Raw]


class Page(Struct, frozen=True):
    """The answer around it."""

    data: PageData


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamFailed("the server's answer is not what this command expects") from error


def source_of(args: argparse.Namespace) -> Source:
    """The source the flags and the environment name; a directory wins. Raises InvalidRequest."""
    if args.data:
        return Directory(Path(args.data))
    place = config.Place(os.environ, Path.cwd(), Path.home())
    settings = config.resolve({"address": args.address}, place)
    if settings["address"].source == "default":
        raise InvalidRequest("say which log: --data DIR, or --address URL (or STRONGROOM_ADDR)")
    value = {name: chosen.value for name, chosen in settings.items()}
    token = tokens.fitting(tokens.find(place), settings["address"], value["trusted_addresses"], place)
    return Server(Client(options(value, token)))
