"""Fuzz one target with atheris: `python -m tests.fuzz.run TARGET [libFuzzer options] [corpus folder]`."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["strongroom.scanner"]):
    from tests.fuzz.targets import TARGETS
from tests.fuzz.seeds import seeds


def main(arguments: list[str]) -> None:
    """Begin with the seeds of the target, and go on until an option says stop."""
    target = arguments[1]
    with tempfile.TemporaryDirectory() as corpus:
        for seed in seeds(target):
            (Path(corpus) / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
        defaults = ["-timeout=20", "-rss_limit_mb=1500", "-max_len=65536", f"-artifact_prefix={corpus}/"]
        atheris.Setup([arguments[0], *defaults, *arguments[2:], corpus], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
