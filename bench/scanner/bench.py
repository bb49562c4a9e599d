"""Scan the same corpora with ours and the peers, in turn, and print what each took and found."""

import compileall
import json
import shutil
import tempfile
from pathlib import Path
from statistics import median

from bench.scanner import corpora
from bench.scanner.tools import BINARIES, REPOSITORY, Run, run

PEERS = ("kingfisher", "betterleaks", "gitleaks")
GOALS = {
    "history": {"kingfisher": 0.35, "betterleaks": 0.3, "gitleaks": 0.2},
    "tree": {"kingfisher": 0.6},
    "log": {"betterleaks": 0.3},
    "pipe": {"betterleaks": 0.3},
    "staged": {"gitleaks": 0.25},
}


def main(short: bool) -> None:
    """Build the corpora, scan them, print a table for each."""
    compileall.compile_dir(REPOSITORY / "src", quiet=1)  # as any installer does
    folder = Path(tempfile.mkdtemp(prefix="scanner-bench-"))
    runs = 1 if short else 3
    try:
        tokens = corpora.history(folder / "history", 2_000 if short else 20_000)
        _compare("history", folder / "history", tokens, folder, runs)
        tokens = corpora.tree(folder / "tree", short)
        _compare("tree", folder / "tree", tokens, folder, runs)
        tokens = corpora.log(folder / "server.log", (128 if short else 1024) << 20)
        _compare("log", folder / "server.log", tokens, folder, 1)
        _compare("pipe", folder / "server.log", tokens, folder, 1)
        tokens = corpora.staged(folder / "staged")
        _compare("staged", folder / "staged", tokens, folder, 9)
    finally:
        shutil.rmtree(folder)


def _compare(job: str, target: Path, tokens: list[str], folder: Path, runs: int) -> None:
    print(f"## {job}\n\n| tool | CPU s | wall s | peak MiB | reports | planted found | CPU, ours / theirs |")
    print("|---|---|---|---|---|---|---|")
    tools = [tool for tool in ("strongroom", *PEERS) if BINARIES[tool].exists()]
    made: dict[str, list[Run]] = {tool: [] for tool in tools}
    run("strongroom", job, target, folder)  # compiled rules and the page cache are warm for all
    for _ in range(runs):
        for tool in tools:
            made[tool].append(run(tool, job, target, folder))
    ours = median(r.cpu for r in made["strongroom"])
    for tool in tools:
        cpu = median(r.cpu for r in made[tool])
        last = made[tool][-1]
        found = sum(any(form in last.report for form in _forms(token)) for token in tokens)
        goal = GOALS[job].get(tool)
        ratio = f"{ours / cpu:.2f}" + (f" (goal {goal})" if goal else "") if tool != "strongroom" else ""
        memory = max(r.memory for r in made[tool]) >> 20
        wall = median(r.wall for r in made[tool])
        cost = f"{cpu:.2f} | {wall:.2f} | {memory}"
        print(f"| {tool} | {cost} | {_count(last.report)} | {found}/{len(tokens)} | {ratio} |")
    print(flush=True)


def _forms(token: str) -> list[bytes]:
    """How a token may stand in a report: whole, or its beginning where a report cuts it."""
    return [token.encode(), json.dumps(token).encode()]


def _count(report: bytes) -> int:
    """How many findings a report has: lists, or an object that holds one, or a line each."""
    try:
        content = json.loads(report or b"[]")
    except ValueError:
        return report.count(b"\n")
    return len(content if isinstance(content, list) else content.get("findings", ()))


if __name__ == "__main__":
    main(short=True)
