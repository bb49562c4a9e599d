"""TLS of the listener: version 1.2 at least, forward secrecy only, client certificates if asked for."""

import ssl
from pathlib import Path

from strongroom.server.config import Config
from strongroom.server.problems import StartFailed

_APPROVED_1_2 = "ECDHE+AESGCM"
_CIPHERS_1_2 = f"{_APPROVED_1_2}:ECDHE+CHACHA20"


def context(config: Config) -> ssl.SSLContext | None:
    """The context for new connections, read from disk now; None for plain HTTP. Raises StartFailed."""
    if not config.tls_cert and not config.tls_key:
        if config.client_ca or config.require_client_cert:
            raise StartFailed(
                "client certificates need TLS",
                "client_ca or require_client_cert is set, but no tls_cert and tls_key.",
                "Set tls_cert and tls_key, or remove them.",
            )
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(_APPROVED_1_2 if config.crypto.fips else _CIPHERS_1_2)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.set_alpn_protocols(["http/1.1"])
    _load_certificate(made, config)
    if config.client_ca:
        _load_client_ca(made, config)
    elif config.require_client_cert:
        raise StartFailed(
            "client certificates cannot be checked",
            "require_client_cert is set without client_ca.",
            "Name the file of accepted authorities in client_ca.",
        )
    return made


def _load_certificate(made: ssl.SSLContext, config: Config) -> None:
    if not config.tls_cert or not config.tls_key:
        raise StartFailed(
            "TLS needs a certificate and its key",
            "Only one of tls_cert and tls_key is set.",
            "Set both: --tls-cert FILE --tls-key FILE.",
        )
    for path in (config.tls_cert, config.tls_key):
        _must_be_readable(path)
    try:
        made.load_cert_chain(config.tls_cert, config.tls_key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError):
        raise StartFailed(
            f"cannot use the certificate {config.tls_cert}",
            "It is not a PEM chain, or the key does not belong to it, or the key is encrypted.",
            f"Check both files: openssl x509 -in {config.tls_cert} -noout -subject -dates",
        ) from None


def _load_client_ca(made: ssl.SSLContext, config: Config) -> None:
    _must_be_readable(config.client_ca)
    try:
        made.load_verify_locations(cafile=config.client_ca)
    except (ssl.SSLError, OSError):
        raise StartFailed(
            f"cannot use the client authorities {config.client_ca}",
            "It is not a file of PEM certificates.",
            f"Check it: openssl x509 -in {config.client_ca} -noout -subject",
        ) from None
    made.verify_mode = ssl.CERT_REQUIRED if config.require_client_cert else ssl.CERT_OPTIONAL


def _must_be_readable(path: str) -> None:
    try:
        with Path(path).open("rb"):
            return
    except OSError as error:
        raise StartFailed(
            f"cannot read {path}", f"{error.strerror}", "Check the path and its permissions."
        ) from None


def _no_password() -> str:
    """An encrypted key is refused: without this OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted")
