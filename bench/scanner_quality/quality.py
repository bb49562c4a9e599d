"""Prints the precision and recall of generic detection on our own labelled sets.

`set/` was in sight while the rules were written; `held/` was not. In both, secrets stand
between « and »; whatever else is reported is a false alarm. `python -m bench.scanner_quality.quality`.
"""

import sys
from pathlib import Path

from tests.scanner.marked import samples, unmark

from strongroom.scanner import generic

HERE = Path(__file__).parent
FORMATS = HERE.parents[1] / "tests/scanner/formats/files"


def measure(folder: Path, *, verbose: bool = False) -> tuple[int, int, int]:
    """Return how many secrets were found, how many reports are false, how many secrets were missed."""
    found = false = missed = 0
    for collection in sorted(folder.glob("*.txt")):
        for name, text in samples(collection):
            data, spans = unmark(text)
            got = {(c.start, c.end) for c in generic.find(name, data, generic.hits(data))}
            hit = {s for s in spans if any(a < s[1] and s[0] < b for a, b in got)}
            wrong = {g for g in got if not any(g[0] < b and a < g[1] for a, b in spans)}
            found, false, missed = found + len(hit), false + len(wrong), missed + len(spans) - len(hit)
            if verbose:
                for start, end in sorted(wrong | (spans - hit)):
                    print("false" if (start, end) in wrong else "missed", name, data[start:end].decode())
    return found, false, missed


def main() -> None:
    for title, folder in (
        ("in sight", HERE / "set"),
        ("held back", HERE / "held"),
        ("known formats", FORMATS),
    ):
        found, false, missed = measure(folder, verbose="-v" in sys.argv)
        precision, recall = found / max(1, found + false), found / max(1, found + missed)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        head = f"{title:14} {found + missed:4} secrets"
        print(f"{head}: precision {precision:.3f} recall {recall:.3f} F1 {f1:.3f}")


if __name__ == "__main__":
    main()
