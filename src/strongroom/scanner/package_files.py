"""Files of this package, read without pathlib, which costs a git hook five milliseconds."""

from __future__ import annotations

import os

_HERE = os.path.dirname(__file__)  # noqa: PTH120


def data_text(name: str) -> str:
    """Return the text of a file in `data/`."""
    with open(f"{_HERE}/data/{name}", encoding="ascii") as file:  # noqa: PTH123
        return file.read()


def providers() -> list[str]:
    """Return the providers that have a file of detectors."""
    return [name.removesuffix(".toml") for name in os.listdir(f"{_HERE}/detectors") if name.endswith(".toml")]  # noqa: PTH208


def detector_text(provider: str) -> str:
    """Return the text of a provider's file of detectors."""
    with open(f"{_HERE}/detectors/{provider}.toml", encoding="utf-8") as file:  # noqa: PTH123
        return file.read()
