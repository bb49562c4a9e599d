"""Seals whose key people do not hold: a key file, or a key that never leaves a hardware module."""
