"""Print precision and recall on all the scanner's stand-ins, and the rate of alarms in installed software."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.scanner_quality import alarms, code, leaks, negatives, quality, rule_cases
from bench.scanner_quality.leaks import Score


def main(short: bool) -> None:
    """Print one row for each set; `short` leaves out the slow ones."""
    print("| set | secrets | precision | recall | F1 |\n|---|---|---|---|---|")
    for title, s in _scores():
        print(f"| {title} | {s.found + s.missed} | {s.precision:.3f} | {s.recall:.3f} | {s.f1:.3f} |")
    _, tried, right = code.measure("second hand, held back")
    print("\n| code held back, by kind | right | of |\n|---|---|---|")
    for kind, count in sorted(tried.items()):
        print(f"| {kind} | {right[kind]} | {count} |")
    tried_noes, reported = negatives.reports()
    print(f"\nnear misses and placeholders reported: {len(reported)} of {tried_noes}")
    if not short:
        _, _, kinds = rule_cases.measure()
        whole = sum(rate >= 0.5 for rate in kinds.values())
        print(f"kinds found in most ways of writing: {whole} of {len(kinds)}")
        size, found = alarms.measure([Path(root) for root in (*alarms.ROOTS, f"{sys.prefix}/lib")])
        print(f"reports in installed software: {len(found)} in {size / 1e6:.0f} MB")


def _scores() -> Iterator[tuple[str, Score]]:
    yield "leaked files, first half (told by the line)", leaks.measure(held=False)
    yield "leaked files, second half", leaks.measure(held=True)
    yield "files of all kinds", leaks.measure_variety()
    for title in code.SETS:
        yield f"code, {title}", code.measure(title)[0]
    for title, folder in (("hand-written, in sight", "set"), ("hand-written, held back", "held")):
        yield title, Score(*quality.measure(quality.HERE / folder))


if __name__ == "__main__":
    main(short=True)
