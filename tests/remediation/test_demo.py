"""`strongroom demo` plays the whole loop for real, in under two minutes."""

import time

import pytest

from tests.cli.conftest import Shell

pytestmark = [pytest.mark.slow, pytest.mark.component("git")]


def played(shell: Shell, *options: str) -> str:
    started = time.monotonic()
    ran = shell.ok("demo", "--no-wait", *options)
    assert time.monotonic() - started < 120
    assert "verified: incidents/1" in ran.out
    assert "; 0 failed." in ran.out
    assert "userpass-bob" in ran.out
    return ran.out


@pytest.mark.component("postgresql")
def test_a_leaked_database_password_is_contained(shell: Shell) -> None:
    assert "The leaked one is refused by PostgreSQL." in played(shell)


def test_without_postgresql_a_service_issues_keys(shell: Shell) -> None:
    out = played(shell, "--without-postgresql")
    assert "The leaked one is refused by a service that issues keys." in out
