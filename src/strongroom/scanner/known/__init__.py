"""Finds values that a vault holds, by a filter and a blinded exchange (ADR 0008)."""
