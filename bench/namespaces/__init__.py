"""Namespaces: what many of them cost at the start, in memory, and for a request."""
