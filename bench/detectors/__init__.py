"""Detectors: what each adds to the one pass over a text."""
