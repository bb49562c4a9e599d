"""Strongroom: secrets management in one loop: store, issue, inject, rotate, scan, contain, prove."""

__version__ = "0.1.0"
