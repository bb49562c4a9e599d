"""`[crypto] fips = true`: start only where OpenSSL runs in FIPS mode, and do without what is not approved.

Python's own modules (`ssl`, `hashlib`, `hmac`) and the `cryptography` package each have an OpenSSL; the
packages of the usual index bring one without the FIPS provider. This server has no validation of its own.
"""

import _hashlib
from collections.abc import Callable, Mapping

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.crypto.aead import KEY_BYTES, XAES
from strongroom.server.problems import StartFailed

UNAPPROVED_METHODS = frozenset({"userpass"})
"""Auth methods whose password hashes (argon2id, bcrypt) are no approved algorithm."""


def active() -> Mapping[str, bool]:
    """Which of the two OpenSSLs is in FIPS mode."""
    return {
        "Python's ssl and hashlib": bool(_hashlib.get_fips_mode()),
        "the cryptography package": openssl.is_fips_enabled(),
    }


def trial() -> None:
    """Do what the server needs of the provider. Raises as `cryptography` does."""
    XAES(bytes(KEY_BYTES)).seal(b"", b"")
    Ed25519PrivateKey.generate().sign(b"")


def require(modes: Callable[[], Mapping[str, bool]] = active, attempt: Callable[[], None] = trial) -> None:
    """Raise StartFailed unless each OpenSSL is in FIPS mode and does what the server needs of it."""
    missing = [name for name, enabled in modes().items() if not enabled]
    if missing:
        raise StartFailed(
            "crypto.fips is set, and the FIPS provider is not active",
            f"OpenSSL is not in FIPS mode in {' and in '.join(missing)}.",
            "See docs/fips.md for how to build it; or remove crypto.fips.",
        )
    try:
        attempt()
    except (InternalError, UnsupportedAlgorithm, ValueError):
        raise StartFailed(
            "the FIPS provider does not work in the cryptography package",
            "AES-256 and Ed25519 (FIPS 186-5) are needed, from one provider that both OpenSSLs share.",
            "Build cryptography against Python's OpenSSL; see docs/fips.md.",
        ) from None
