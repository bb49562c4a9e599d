"""A database behind TLS: its certificate is checked, and a client key's password stays out of the URL."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from strongroom.errors import Unavailable
from strongroom.storage.postgresql.address import Address, address
from strongroom.storage.postgresql.connecting import open_connection
from tests.cluster.database import PASSWORD, Database, place, prepared
from tests.engines.database.unprivileged import handed_over
from tests.server.certificates import Pair, self_signed

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

KEY_PASSWORD = "the key's pass phrase"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Pair, Pair]]:
    """A server that takes clients with a certificate only, its certificate, and a client's, its key encrypted."""
    own = self_signed(tmp_path_factory.mktemp("client"), "client")
    key = serialization.load_pem_private_key(own.key.read_bytes(), None)
    cipher = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
    own.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)
    )
    with place() as directory:
        server = prepared(directory)
        pair = self_signed(server.data, "server")
        authority = server.data / "clients.pem"
        authority.write_bytes(own.cert.read_bytes())
        handed_over(directory, pair.cert, pair.key, authority)
        (server.data / "pg_hba.conf").write_text(
            "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"
        )
        try:
            server.start(
                listen_addresses="127.0.0.1,127.0.0.2",
                ssl="on",
                ssl_cert_file=pair.cert.name,
                ssl_key_file=pair.key.name,
                ssl_ca_file=authority.name,
            )
            yield server, pair, own
        finally:
            server.stop()


def place_of(
    server: Database, authority: Path, own: Pair, password: str, tls: str = "verify-full"
) -> Address:
    return address(
        f"{server.url}?sslcert={own.cert}&sslkey={own.key}",
        tls=tls,
        tls_ca=str(authority),
        environment={
            "STRONGROOM_STORAGE_PASSWORD": PASSWORD,
            "STRONGROOM_STORAGE_KEY_PASSWORD": password,
        },
    )


def test_a_client_key_is_opened_with_a_password_that_is_not_in_the_url(
    certified: tuple[Database, Pair, Pair], tmp_path: Path
) -> None:
    server, pair, own = certified
    where = place_of(server, pair.cert, own, KEY_PASSWORD)
    connection = open_connection(where.conninfo)
    assert connection.ssl_in_use
    connection.finish()
    file = tmp_path / "key-password"
    file.write_text(KEY_PASSWORD + "\n", "utf-8")
    from_file = address(
        f"{server.url}?sslcert={own.cert}&sslkey={own.key}",
        key_password_file=str(file),
        tls_ca=str(pair.cert),
        tls="verify-full",
        environment={"STRONGROOM_STORAGE_PASSWORD": PASSWORD},
    )
    open_connection(from_file.conninfo).finish()
    assert KEY_PASSWORD not in f"{where} {from_file!r}"


def test_a_wrong_key_password_is_refused_without_a_word_of_it(
    certified: tuple[Database, Pair, Pair],
) -> None:
    server, pair, own = certified
    with pytest.raises(Unavailable) as refused:
        open_connection(place_of(server, pair.cert, own, "not-this-one").conninfo)
    assert "not-this-one" not in str(refused.value)


def test_a_server_with_another_certificate_or_name_is_refused(
    certified: tuple[Database, Pair, Pair],
) -> None:
    server, pair, own = certified
    elsewhere = replace(server, host="127.0.0.2")  # no name of its certificate
    for at, authority in ((server, own.cert), (elsewhere, pair.cert)):
        with pytest.raises(Unavailable):
            open_connection(place_of(at, authority, own, KEY_PASSWORD).conninfo)
    unnamed = place_of(elsewhere, pair.cert, own, KEY_PASSWORD, "verify-ca")
    open_connection(unnamed.conninfo).finish()
