"""A bounded fuzz run over every target; `python -m tests.fuzz.run TARGET` goes on for as long as wanted."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_pass(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)
        TARGETS[target](seed[: len(seed) // 2])
    TARGETS[target](b"")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel here")
@pytest.mark.parametrize("target", TARGETS)
def test_random_inputs_are_survived(target: str) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.fuzz.run",
        target,
        "-seed=1",
        "-max_total_time=5",
        "-runs=4000",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-3000:]
