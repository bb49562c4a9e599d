"""FIPS mode: refused where it is not, and what is not approved is not there."""

import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cryptography.exceptions import InternalError, UnsupportedAlgorithm

from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest
from strongroom.server import assembly, fips, tls
from strongroom.server.assembly import open_house
from strongroom.server.config import Config, Crypto, Storage, load
from strongroom.server.log import OperatorLog
from strongroom.server.problems import StartFailed
from strongroom.server.run import run
from tests.server.certificates import self_signed

FIPS = Crypto(fips=True)
BOTH = {"one": True, "other": True}


def test_the_packages_of_the_index_are_not_in_fips_mode_and_refused(tmp_path: Path) -> None:
    assert not all(fips.active().values())
    file = tmp_path / "strongroom.toml"
    file.write_text(f'data = "{tmp_path}/data"\nlisten = "127.0.0.1:0"\n[crypto]\nfips = true\n')
    with pytest.raises(StartFailed, match="the FIPS provider is not active"):
        run(load(file, {}))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", BOTH)
def test_one_openssl_in_fips_mode_is_not_enough(name: str) -> None:
    with pytest.raises(StartFailed) as raised:
        fips.require(lambda: {**BOTH, name: False})
    assert f"not in FIPS mode in {name}" in raised.value.why


def test_with_both_it_tries_what_it_needs() -> None:
    fips.require(lambda: BOTH)


@pytest.mark.parametrize("error", [InternalError("broken", []), UnsupportedAlgorithm("none"), ValueError()])
def test_a_provider_that_does_not_do_it_is_refused(error: Exception) -> None:
    def attempt() -> None:
        raise error

    with pytest.raises(StartFailed, match="does not work in the cryptography package"):
        fips.require(lambda: BOTH, attempt)


def test_tls_has_approved_suites_only(tmp_path: Path) -> None:
    pair = self_signed(tmp_path, "server")
    config = Config(crypto=FIPS, tls_cert=str(pair.cert), tls_key=str(pair.key))
    context = tls.context(config)
    assert isinstance(context, ssl.SSLContext)
    older = [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert older
    assert all("GCM" in name for name in older)


async def test_userpass_and_openpgp_are_not_offered(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        config = Config(data=str(tmp_path), storage=Storage(kind="memory"), crypto=FIPS)
        house = await open_house(config, FakeClock(), OperatorLog(), stack)
        offered = assembly._engines(config)
        assert "auth/userpass" not in offered
        assert "auth/approle" in offered
        house.ceremonies.check_openpgp(None, "", [])
        with pytest.raises(InvalidRequest, match=r"crypto\.fips is set"):
            house.ceremonies.check_openpgp(["key"])
