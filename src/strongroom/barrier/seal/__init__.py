"""Seals: what protects the root key, and the ceremonies by which people open and change them."""
