"""Opening the store that the configuration names. Who has no PostgreSQL does not wait for its driver."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from strongroom.errors import IntegrityFailure, InvalidRequest, Unavailable
from strongroom.server import seen
from strongroom.server.problems import StartFailed
from strongroom.storage.contract import StoreInUse
from strongroom.storage.memory import MemoryStorage
from strongroom.storage.sqlite import SqliteStorage

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

    from strongroom.clock import Clock
    from strongroom.server.config import Config
    from strongroom.storage.contract import Storage
    from strongroom.storage.postgresql.address import Address

LOG_NAME_FILE = "audit-log.name"


async def open_storage(config: Config, data: Path, clock: Clock, stack: AsyncExitStack) -> Storage:
    """The store, closed with `stack`. Raises StartFailed."""
    storage: Storage
    if config.storage.kind == "memory":
        storage = MemoryStorage()
    elif config.storage.kind == "postgresql":
        return await _postgresql(config, data, clock, stack)
    else:
        storage = _sqlite(config, data)
    stack.push_async_callback(storage.close)
    return storage


def database_address(config: Config) -> Address:
    """Where the database of the store is. Raises StartFailed."""
    from strongroom.storage.postgresql.address import address  # noqa: PLC0415 (see above)

    settings = config.storage
    try:
        return address(
            settings.url,
            password_file=settings.password_file,
            key_password_file=settings.key_password_file,
            tls=settings.tls,
            tls_ca=settings.tls_ca,
        )
    except InvalidRequest as error:
        raise StartFailed(
            "the store's settings cannot be used", f"{error}", "See docs/configuration.md, [storage]."
        ) from None


def log_name(data: Path) -> str:
    """The name of this node's audit log, drawn once: it stays with the data directory."""
    file = data / LOG_NAME_FILE
    if not file.exists():
        partial = data / f".{LOG_NAME_FILE}"
        partial.write_text(secrets.token_hex(16), "ascii")
        partial.rename(file)
    return file.read_text("ascii")


def _sqlite(config: Config, data: Path) -> Storage:
    try:
        return SqliteStorage(data, config.storage.cache_bytes)
    except StoreInUse as error:
        raise StartFailed(
            f"cannot open {data}", f"{error}", "Stop the other server, or choose another --data."
        ) from None
    except OSError as error:
        raise StartFailed(
            f"cannot open {data}", error.strerror or "unknown reason", "Check the directory."
        ) from None
    except IntegrityFailure as error:
        raise StartFailed(
            f"cannot open {data}", f"{error}", "Check the directory, or restore a backup."
        ) from None


async def _postgresql(config: Config, data: Path, clock: Clock, stack: AsyncExitStack) -> Storage:
    from strongroom.storage.postgresql.storage import PostgresqlStorage  # noqa: PLC0415 (see above)

    place = database_address(config)
    try:
        storage = await PostgresqlStorage.open(place, config.storage.cache_bytes)
        stack.push_async_callback(storage.close)
        seen.check(data, storage.identity, storage.position, await storage.last_written())
    except (Unavailable, IntegrityFailure, StoreInUse) as error:
        raise StartFailed(
            f"cannot open {place.shown}",
            f"{error}",
            "Check the address, the password and that a primary is running; see docs/ha.md.",
        ) from None
    await stack.enter_async_context(seen.watching(storage, data, clock))
    return storage
