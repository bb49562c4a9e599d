"""Seals whose key people do not hold: a key file, or a key in a hardware module or a key service."""
