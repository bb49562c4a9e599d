"""OpenPGP, as little of it as encrypting to a public key takes. Why not a library: ADR 0009.

Source: RFC 4880, RFC 6637 for Curve25519, and RFC 9580, which keeps both.
"""

from strongroom.crypto.openpgp.keys import Recipient, recipient
from strongroom.crypto.openpgp.message import encrypt

__all__ = ["Recipient", "encrypt", "recipient"]
