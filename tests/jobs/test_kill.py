"""kill -9, again and again, of a process that works off jobs on a real store: each job ends once."""

import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.jobs.killed import STEPS

JOBS, KILLS = 30, 8


@pytest.mark.slow
def test_killed_again_and_again_each_job_ends_once(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "made").mkdir()
    dice = random.Random(4)
    outcome = ""
    killed = 0
    for life in range(KILLS + 1):
        command = [sys.executable, "-m", "tests.jobs.killed", str(tmp_path), str(61 * life), str(JOBS)]
        with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "working\n"
            if life < KILLS:
                timer = threading.Timer(dice.uniform(0, 0.06), process.kill)
                timer.start()
            outcome = process.stdout.read()
        killed += process.returncode == -9
        if outcome:
            break
    assert outcome == f"ended True {JOBS}\n"
    assert killed >= 3
    made = Counter(path.name.split(".")[1] for path in (tmp_path / "made").iterdir())
    assert made == dict.fromkeys(STEPS, JOBS)
    deeds = Counter((tmp_path / "journal").read_text().split())
    assert len(deeds) == JOBS * len(STEPS)
    assert max(deeds.values()) <= 1 + killed
