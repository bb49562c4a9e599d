"""Printing: a line a measurement, ours, theirs, the ratio, and the goal where there is one."""

from collections.abc import Sequence
from statistics import median

from bench.vault.load import Load, Measured

RATE_GOALS = {"read": 3.0, "write": 4.0}
LATENCY_GOAL = 3.0
GOAL_CLIENTS = 32


def load(load: Load, ours: Measured, theirs: Measured) -> None:
    """One load's lines."""
    goal = RATE_GOALS.get(load.kind) if load.clients == GOAL_CLIENTS else None
    print(f"{load.title}")
    _line("requests a second", ours.rate, theirs.rate, ours.rate / theirs.rate, goal)
    _line("p50, ms", ours.p50, theirs.p50, theirs.p50 / ours.p50)
    _line("p99, ms", ours.p99, theirs.p99, theirs.p99 / ours.p99, LATENCY_GOAL if goal else None)
    _line("processor time a request, us", ours.cpu_us, theirs.cpu_us, theirs.cpu_us / ours.cpu_us)


def process(title: str, values: Sequence[float]) -> None:
    """A property of the process: less is better."""
    ours, theirs = values
    _line(title, ours, theirs, theirs / ours, 1.0 if "memory" in title else None)


def size(count: int, reads: Sequence[float], listing: Sequence[float], loaded: Measured) -> None:
    """Ours with `count` secrets: latencies of one client in milliseconds, then 32 clients."""
    p99 = sorted(reads)[len(reads) * 99 // 100]
    print(
        f"{count:>9,} secrets: read p50 {median(reads):6.2f} ms, p99 {p99:6.2f} ms; list 1,000 keys "
        f"{median(listing):6.2f} ms; 32 clients: {loaded.rate:7,.0f} reads/s, p99 {loaded.p99:.1f} ms"
    )


def _line(title: str, ours: float, theirs: float, better: float, goal: float | None = None) -> None:
    verdict = "" if goal is None else f"  goal {goal:g}x: {'reached' if better >= goal else 'not reached'}"
    print(f"  {title:<42}{ours:>12,.2f}{theirs:>12,.2f}{better:>8.2f}x better{verdict}")
