"""Bytes in, bytes out: authenticated encryption, secret sharing, digests. No I/O, no clock."""
