"""From a commit pushed to the old value dead, with 5 s of grace: by a server's hook, and by a poll.

Each run leaks the password in force of a static role of PostgreSQL (of a service that issues keys
where that is not installed), while an application logs in twenty times a second.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from strongroom.cli.demo.issuer import KeyService
from strongroom.cli.demo.postgres import Postgres, binaries
from strongroom.cli.demo.stage import COMMAND, Stage
from strongroom.cli.demo.story import CLONE, REPOSITORY, Application, Target

RUNS, SHORT_RUNS = 30, 3
GOAL = 60.0
LOOK_SECONDS = 0.05
PATIENCE = 120.0
HOOK = "#!/bin/sh\nexec {command} watch . --once --quiet --source hook\n"


def main(short: bool) -> None:
    """Measure and print."""
    runs = SHORT_RUNS if short else RUNS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        target: Any = Postgres(folder / "postgresql") if binaries() else KeyService()
        stage = stack.enter_context(Stage(folder, target.place))
        stack.enter_context(target)
        target.prepare(stage)
        stage.ask("POST", "sys/auth/userpass", {"type": "userpass"})
        rules = f'path "{target.secret}" {{ capabilities = ["read"] }}'
        token = stage.login("application", rules)
        application = Application(stage, target, token)
        application.start()
        for way in ("hook", "poll"):
            _prepare(stage, way)
            seconds = [_run(stage, target, token, way, number) for number in range(runs)]
            _print(f"{target.name}, {way}", seconds)
        application.end()
        print(f"the application logged in {application.logins:,} times; {application.failures} failed")


def _prepare(stage: Stage, way: str) -> None:
    """A bare repository with a hook or a watcher, and a clone of it."""
    bare = stage.folder / f"{way}-{REPOSITORY}"
    stage.git("init", "-q", "--bare", bare.name)
    stage.git("clone", "-q", bare.name, f"{way}-{CLONE}")
    if way == "hook":
        hook = bare / "hooks" / "post-receive"
        hook.write_text(HOOK.format(command=" ".join(COMMAND)), "utf-8")
        hook.chmod(0o755)
    else:
        stage.start("watch", str(bare), "--interval", "1", "--quiet", "--source", "poll")
    _push(stage, way, "README", "A shop.\n").wait()  # the first scan of a machine prepares its detectors


def _run(stage: Stage, target: Target, token: str, way: str, number: int) -> float:
    """Seconds from the push until the target refuses what was pushed."""
    leaked = target.credential(stage, token)
    started = time.perf_counter()
    push = _push(stage, way, "settings.env", f"RUN={number}\nDATABASE_PASSWORD={leaked[1]}\n")
    while target.takes(*leaked):
        if time.perf_counter() - started > PATIENCE:
            raise TimeoutError(f"{way}: run {number} is not over")
        time.sleep(LOOK_SECONDS)
    over = time.perf_counter() - started
    push.wait()
    return over


def _push(stage: Stage, way: str, name: str, text: str) -> subprocess.Popen[bytes]:
    """Commit a file, and begin to push it."""
    clone = stage.folder / f"{way}-{CLONE}"
    (clone / name).write_text(text, "utf-8")
    stage.git("-C", clone.name, "add", ".")
    stage.git("-C", clone.name, "commit", "-q", "-m", "Change settings")
    command = ["git", "-C", str(clone), "push", "-q", "origin", "HEAD"]
    return subprocess.Popen(command, env=stage.environ, stdout=sys.stderr)


def _print(what: str, seconds: list[float]) -> None:
    worst = quantiles(seconds, n=20, method="inclusive")[-1]
    verdict = "reached" if worst < GOAL else "MISSED"
    print(
        f"{what:<32} pushed to dead: median {median(seconds):5.1f} s, p95 {worst:5.1f} s, "
        f"longest {max(seconds):5.1f} s over {len(seconds)} runs   (goal: p95 under {GOAL:.0f} s: {verdict})"
    )
