"""MariaDB and MySQL through PyMySQL, in threads of its own so that a silent server holds up nothing else.

Account statements commit one by one here: when one fails, what was made is taken back.
Source: MariaDB manual: identifier names, string literals, CREATE USER, KILL.
"""

import asyncio
import secrets
import select
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER

from strongroom.engines.database.driver import (
    CONNECT_SECONDS,
    STATEMENT_SECONDS,
    Account,
    AccountExists,
    Kind,
    Settings,
    Statements,
)
from strongroom.engines.database.kinds.mysql_dialect import DIALECT, quote_text
from strongroom.engines.database.kinds.mysql_url import address, shown
from strongroom.engines.database.pool import Pool
from strongroom.engines.database.statements import filled
from strongroom.errors import UpstreamFailed

CHANGE = ("ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}'",)
CREATE_SECONDS = 60.0
REFUSED_LOGIN = (ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, 3118, 4151)
SPEAKS_OF_STATEMENT = (ER.PARSE_ERROR, ER.SYNTAX_ERROR)
T = TypeVar("T")
if TYPE_CHECKING:
    _Driver = Connection[Any]
else:
    _Driver = Connection  # generic in its stubs only


class _Session(_Driver):
    """Where no TLS is asked for it is used if the server offers it, unverified: no authorities are read."""

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if sslp:
            made: ssl.SSLContext = super()._create_ssl_ctx(sslp)  # type: ignore[misc]  # not in the stubs
            return made
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


class _Connection:
    """A pooled connection; its calls run in a thread of the database's own."""

    def __init__(self, inner: "Connection[Any]") -> None:
        self.inner = inner
        self.working = False

    def usable(self) -> bool:
        """Open, in no hands of a thread that was given up on, and with no word that the server ended it."""
        if self.working or not self.inner.open:
            return False
        poll = select.poll()
        poll.register(self.inner._sock, select.POLLIN)  # type: ignore[attr-defined]  # it has no other name
        return not poll.poll(0)

    def close(self) -> None:
        if self.working:
            self.inner._force_close()  # type: ignore[attr-defined]  # in order it would wait for the answer
        elif self.inner.open:
            with suppress(pymysql.Error):
                self.inner.close()


class MySQL:
    """One MariaDB or MySQL server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        limits = settings.pool_limits
        self._threads = ThreadPoolExecutor(limits.open + 1, thread_name_prefix="mysql")
        self._pool: Pool[_Connection] = Pool(self._connect, limits)
        self._closed = False

    async def _connect(self) -> _Connection:
        settings = self._settings
        try:
            return _Connection(await self._threaded(self._open, settings.username, settings.password))
        except pymysql.Error as error:
            if not settings.fallback_password:
                raise _failed(error, settings.password) from None
        try:  # a change of the password was cut short: the new one may be in force already
            return _Connection(
                await self._threaded(self._open, settings.username, settings.fallback_password)
            )
        except pymysql.Error as error:
            raise _failed(error, settings.fallback_password) from None

    async def _threaded(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._closed:
            raise UpstreamFailed("the connection's settings have changed meanwhile; try again")
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _open(self, username: str, password: str) -> "Connection[Any]":
        parameters = address(self._settings.url, username, password)
        tls = parameters.pop("tls")
        return _Session(
            **parameters,
            charset="utf8mb4",
            sql_mode="STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=STATEMENT_SECONDS,
            write_timeout=STATEMENT_SECONDS,
            local_infile=False,
            ssl=self._context(tls) if tls or self._settings.tls_ca else None,
        )

    def _context(self, tls: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self._settings.tls_ca or None)
        if tls in ("skip-verify", "preferred"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def _on(self, work: Callable[["Connection[Any]"], T], secret: str = "") -> T:
        """Run `work` with a pooled connection, in a thread. Raises UpstreamFailed."""
        async with self._pool.connection() as connection:
            connection.working = True

            def run() -> T:
                try:
                    return work(connection.inner)
                finally:
                    connection.working = False

            try:
                return await self._threaded(run)
            except pymysql.Error as error:
                raise _failed(error, secret) from None

    async def verify(self) -> None:
        await self._on(lambda inner: _run(inner, ["SELECT 1"]))

    async def create(self, statements: Statements, account: Account, rollback: Statements) -> None:
        made = filled(statements, account.values(), DIALECT)
        back = filled(rollback, account.values(), DIALECT)
        await self._on(lambda inner: _create(inner, made, account.username, back), account.password)

    async def renew(self, statements: Statements, account: Account) -> None:
        made = filled(statements, account.values(), DIALECT)
        if made:
            await self._on(lambda inner: _run(inner, made))

    async def revoke(self, statements: Statements, username: str) -> None:
        made = filled(statements, Account(username).values(), DIALECT)
        await self._on(lambda inner: _revoke(inner, made, username))

    async def change_password(self, statements: Statements, account: Account) -> None:
        made = filled(statements or CHANGE, account.values(), DIALECT)
        await self._on(lambda inner: _run(inner, made), account.password)

    async def knows(self, username: str) -> bool:
        return bool(await self._on(lambda inner: _hosts(inner, username)))

    async def admit(self, account: Account) -> None:
        await self._on(lambda inner: _admit(inner, account), account.password)

    async def shut_out(self, username: str) -> None:
        await self._on(lambda inner: _shut_out(inner, username))

    async def logs_in(self, username: str, password: str) -> bool:
        try:
            inner = await self._threaded(self._open, username, password)
        except pymysql.Error as error:
            if error.args and error.args[0] in REFUSED_LOGIN:
                return False
            raise _failed(error, password) from None
        inner.close()
        return True

    def close(self) -> None:
        self._closed = True
        self._pool.close()
        self._threads.shutdown(wait=False)


def _run(inner: "Connection[Any]", statements: Sequence[str]) -> None:
    with inner.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _hosts(inner: "Connection[Any]", username: str) -> list[str]:
    """Where the account may come from: one entry for each of its rows. Every host when we may not look."""
    with inner.cursor() as cursor:
        try:
            cursor.execute("SELECT Host FROM mysql.user WHERE User = %s", (username,))
        except pymysql.OperationalError as error:
            if error.args[0] != ER.TABLEACCESS_DENIED_ERROR:
                raise
            return ["%"]
        return [row[0] for row in cursor.fetchall()]


def _create(inner: "Connection[Any]", made: Sequence[str], username: str, rollback: Sequence[str]) -> None:
    """Run the statements within a minute; take back what they made when one fails."""
    if _there(inner, username):
        raise AccountExists(f"the account {username!r} already exists")
    deadline = time.monotonic() + CREATE_SECONDS
    try:
        for statement in made:
            if time.monotonic() > deadline:
                raise UpstreamFailed("the creation statements take too long")
            _run(inner, [statement])
    except (pymysql.Error, UpstreamFailed):
        with suppress(pymysql.Error):
            _run(inner, rollback)
        with suppress(pymysql.Error):
            _revoke(inner, [], username)
        raise


def _there(inner: "Connection[Any]", username: str) -> bool:
    with suppress(pymysql.OperationalError), inner.cursor() as cursor:
        cursor.execute("SELECT 1 FROM mysql.user WHERE User = %s", (username,))
        return cursor.fetchone() is not None
    return False


def _revoke(inner: "Connection[Any]", made: Sequence[str], username: str) -> None:
    """End the account and then its sessions."""
    hosts = _hosts(inner, username)
    if hosts and made:
        _run(inner, made)
    elif hosts:
        names = ", ".join(f"{quote_text(username)}@{quote_text(host)}" for host in hosts)
        _run(inner, [f"DROP USER IF EXISTS {names}"])
    _end_sessions(inner, username)


def _admit(inner: "Connection[Any]", account: Account) -> None:
    """The password, and the lock off, wherever the account comes from."""
    for host in _hosts(inner, account.username) or ["%"]:
        who = f"{quote_text(account.username)}@{quote_text(host)}"
        _run(inner, [f"ALTER USER {who} IDENTIFIED BY {quote_text(account.password)} ACCOUNT UNLOCK"])


def _shut_out(inner: "Connection[Any]", username: str) -> None:
    """Locked, with a password that nobody has seen."""
    for host in _hosts(inner, username):
        who = f"{quote_text(username)}@{quote_text(host)}"
        forgotten = quote_text(secrets.token_urlsafe(24))
        _run(inner, [f"ALTER USER {who} IDENTIFIED BY {forgotten} ACCOUNT LOCK"])
    _end_sessions(inner, username)


def _end_sessions(inner: "Connection[Any]", username: str) -> None:
    with inner.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE user = %s", (username,))
        for (session,) in cursor.fetchall():
            with suppress(pymysql.Error):  # it may have ended by itself
                cursor.execute("KILL %s", (int(session),))


def _failed(error: pymysql.Error, secret: str) -> UpstreamFailed:
    """The server's words, unless they could hold a part of the statement."""
    code, said = (*error.args, "", "")[:2]
    reason = str(said)
    if code in SPEAKS_OF_STATEMENT or (secret and secret in reason):
        reason = type(error).__name__
    lost = code in (CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR, CR.CR_CONN_HOST_ERROR)
    what = "cannot reach the database" if lost else "the database refused"
    return UpstreamFailed(f"{what}: {reason} ({code})")


KIND = Kind(
    dialect=DIALECT,
    username_template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) '
        "(unix_time) | truncate 32 }}"
    ),
    longest_name=80,
    open=MySQL,
    check_url=lambda url: address(url, "", ""),
    shown_url=shown,
    takes_tls_ca=True,
)
