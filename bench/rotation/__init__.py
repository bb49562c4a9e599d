"""Rotation: how long one takes, and whether an application notices."""
