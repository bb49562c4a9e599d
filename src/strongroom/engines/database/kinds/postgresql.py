"""PostgreSQL through psycopg 3. All statements of one step run in one transaction and one round trip.

Source: PostgreSQL 15 manual: §4.1 (lexical structure), CREATE ROLE, §22.4 (dropping roles), §34.1.2.
"""

import base64
import hashlib
import hmac
import secrets
import select
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, LiteralString, cast

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.pq import TransactionStatus

from strongroom.engines.database.driver import (
    CONNECT_SECONDS,
    STATEMENT_SECONDS,
    Account,
    AccountExists,
    Kind,
    Settings,
    Statements,
)
from strongroom.engines.database.kinds.postgresql_dialect import DIALECT, quote_name
from strongroom.engines.database.kinds.postgresql_url import conninfo, shown
from strongroom.engines.database.pool import Pool
from strongroom.engines.database.statements import filled
from strongroom.errors import UpstreamFailed

RENEW = ("ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'",)
CHANGE = ("ALTER ROLE \"{{username}}\" WITH PASSWORD '{{password}}'",)
ADMIT = ("ALTER ROLE \"{{username}}\" WITH LOGIN PASSWORD '{{password}}'",)
SHUT_OUT = ('ALTER ROLE "{{username}}" WITH NOLOGIN PASSWORD NULL',)
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = "
SCRAM_ITERATIONS = 4096

# libpq gives no SQLSTATE when a connection fails; another language's words leave it unknown, an error.
REFUSED_LOGIN = ("password authentication failed", "is not permitted to log in")


class _Connection:
    """A pooled connection."""

    def __init__(self, inner: AsyncConnection[Any]) -> None:
        self.inner = inner

    def usable(self) -> bool:
        """Open, between statements, and with nothing from the server waiting, which could only be its end."""
        if self.inner.closed or self.inner.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(self.inner.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.inner.pgconn.finish()

    async def run(self, statements: Sequence[str]) -> None:
        """All of them in one implicit transaction."""
        await self.inner.execute(_trusted(";\n".join(statements)))


def _trusted(text: str) -> LiteralString:
    """Statements whose values were placed by `statements.filled`, or that hold none."""
    return cast("LiteralString", text)  # type: ignore[redundant-cast]  # mypy takes it for str


class PostgreSQL:
    """One PostgreSQL server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: Pool[_Connection] = Pool(self._connect, settings.pool_limits)

    async def _connect(self) -> _Connection:
        settings = self._settings
        try:
            return _Connection(await self._open(settings.username, settings.password))
        except psycopg.OperationalError as error:
            if not settings.fallback_password:
                raise _unreachable(error, settings.password) from None
        return await self._connect_otherwise()

    async def _connect_otherwise(self) -> _Connection:
        """A change of the password was cut short: the new one may be in force already."""
        try:
            return _Connection(await self._open(self._settings.username, self._settings.fallback_password))
        except psycopg.OperationalError as error:
            raise _unreachable(error, self._settings.fallback_password) from None

    async def _open(self, username: str, password: str) -> AsyncConnection[Any]:
        parameters = {
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "strongroom",
            **conninfo(self._settings.url, username, password),
            "passfile": "/dev/null",
            "client_encoding": "utf8",
            "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c standard_conforming_strings=on",
        }
        return await AsyncConnection.connect(**parameters, autocommit=True, prepare_threshold=None)

    async def verify(self) -> None:
        async with self._pool.connection() as connection:
            await self._run(connection, ["SELECT 1"])

    async def create(self, statements: Statements, account: Account, rollback: Statements) -> None:
        made = filled(statements, self._hashed(account), DIALECT)
        async with self._pool.connection() as connection:
            await self._run(connection, made, account.password)

    async def renew(self, statements: Statements, account: Account) -> None:
        async with self._pool.connection() as connection:
            await self._run(connection, filled(statements or RENEW, account.values(), DIALECT))

    async def change_password(self, statements: Statements, account: Account) -> None:
        made = filled(statements or CHANGE, self._hashed(account), DIALECT)
        async with self._pool.connection() as connection:
            await self._run(connection, made, account.password)

    async def revoke(self, statements: Statements, username: str) -> None:
        async with self._pool.connection() as connection:
            role = await self._role(connection, username)
            if role is None:
                return
            own = _ending(username, *role)
            made = filled(statements, Account(username).values(), DIALECT) if statements else own
            try:
                await self._run(connection, made)
            except UpstreamFailed:
                await self._lock_out(connection, username)
                raise
            finally:
                await self._end_sessions(connection, role[0])

    async def _role(self, connection: _Connection, username: str) -> tuple[int, bool] | None:
        """The role's number, and whether we have its rights."""
        try:
            found = await connection.inner.execute(
                "SELECT oid, pg_has_role(current_user, oid, 'USAGE') FROM pg_roles WHERE rolname = %s",
                [username],
            )
            return await found.fetchone()
        except psycopg.Error as error:
            raise _failed(error) from None

    async def _lock_out(self, connection: _Connection, username: str) -> None:
        """An account that cannot be dropped, because of what it owns elsewhere, can at least not log in."""
        with suppress(psycopg.Error):
            await connection.run([f"ALTER ROLE {quote_name(username)} NOLOGIN"])

    async def _end_sessions(self, connection: _Connection, role: int) -> None:
        """What the account still has open ends too, where the server lets us."""
        with suppress(psycopg.Error):
            await connection.run([END_SESSIONS + str(int(role))])

    async def knows(self, username: str) -> bool:
        async with self._pool.connection() as connection:
            return await self._role(connection, username) is not None

    async def admit(self, account: Account) -> None:
        await self.change_password(ADMIT, account)

    async def shut_out(self, username: str) -> None:
        async with self._pool.connection() as connection:
            role = await self._role(connection, username)
            if role is not None:
                await self._run(connection, filled(SHUT_OUT, Account(username).values(), DIALECT))
                await self._end_sessions(connection, role[0])

    async def logs_in(self, username: str, password: str) -> bool:
        try:
            connection = await self._open(username, password)
        except psycopg.OperationalError as error:
            if any(words in str(error) for words in REFUSED_LOGIN):
                return False
            raise _unreachable(error, password) from None
        connection.pgconn.finish()
        return True

    async def _run(self, connection: _Connection, made: Sequence[str], secret: str = "") -> None:
        try:
            await connection.run(made)
        except errors.DuplicateObject as error:
            raise AccountExists(_message(error, secret)) from None
        except psycopg.Error as error:
            raise _failed(error, secret) from None

    def _hashed(self, account: Account) -> dict[str, str]:
        values = account.values()
        if self._settings.scram:
            values["password"] = scram_verifier(account.password)
        return values

    def close(self) -> None:
        self._pool.close()


def _ending(username: str, role: int, usable: bool) -> list[str]:
    """Its sessions end; what it owns is kept under the one we connect as; its rights end; it goes."""
    name = quote_name(username)
    grant = [] if usable else [f"GRANT {name} TO CURRENT_USER"]
    return [
        *grant,
        END_SESSIONS + str(int(role)),
        f"REASSIGN OWNED BY {name} TO CURRENT_USER",
        f"DROP OWNED BY {name}",
        f"DROP ROLE {name}",
    ]


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores for a password. Source: RFC 5802 §3, RFC 7677; PostgreSQL manual §53.8."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _unreachable(error: psycopg.Error, secret: str) -> UpstreamFailed:
    """libpq's words name the host and the reason."""
    said = next(iter(str(error).splitlines()), "")
    return UpstreamFailed(f"cannot connect to the database: {'' if secret and secret in said else said}")


def _failed(error: psycopg.Error, secret: str = "") -> UpstreamFailed:
    return UpstreamFailed(f"the database refused: {_message(error, secret)}")


def _message(error: psycopg.Error, secret: str) -> str:
    """The server's words, unless they could hold a part of the statement."""
    code, said = error.sqlstate or "", error.diag.message_primary or ""
    if isinstance(error, errors.SyntaxError) or (secret and secret in said):
        said = ""
    return f"{said or type(error).__name__}{f' (SQLSTATE {code})' if code else ''}"


KIND = Kind(
    dialect=DIALECT,
    username_template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) '
        "(unix_time) | truncate 63 }}"
    ),
    longest_name=63,
    open=PostgreSQL,
    check_url=lambda url: conninfo(url, "", ""),
    shown_url=shown,
)
