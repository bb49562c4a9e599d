"""Stand-in for repositories of leaked configuration: 168 kinds of file, told by the line.

The files in `leaks/` are written from their formats' documentation; a line that holds a secret has it
between « and », one whose report is neither right nor wrong (the public half of a pair) between ‹ and ›,
and values are drawn. Every second file was held back while most rules were written, then looked at once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.scanner.marked import samples, unmark

from strongroom.scanner import rules
from strongroom.scanner.examples import draw
from strongroom.scanner.matcher import Matcher

FOLDER = Path(__file__).parent / "leaks"
VARIETY = (
    Path(__file__).parent / "variety"
)  # files of all kinds as projects have them, values as people write them


class Score(NamedTuple):
    """Lines with a secret that were reported, lines reported for nothing, and lines missed."""

    found: int
    false: int
    missed: int

    def __str__(self) -> str:
        return f"precision {self.precision:.3f} recall {self.recall:.3f} F1 {self.f1:.3f}"

    @property
    def precision(self) -> float:
        """The share of reported lines that hold a secret."""
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        """The share of lines with a secret that were reported."""
        return self.found / max(1, self.found + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        return 2 * self.found / max(1, 2 * self.found + self.false + self.missed)


def files() -> Iterator[tuple[str, str, bool]]:
    """Yield (path, marked text, held back)."""
    number = 0
    for collection in sorted(FOLDER.glob("*.txt")):
        for path, text in samples(collection):
            number += 1
            yield path, draw(text, f"{path}"), number % 2 == 0


def lines_of(data: bytes, spans: set[tuple[int, int]]) -> set[int]:
    """The numbers of the lines on which spans begin."""
    return {data.count(b"\n", 0, start) + 1 for start, _ in spans}


def measure(*, held: bool, verbose: bool = False) -> Score:
    """Scan one half; `verbose` prints each line that is wrong."""
    return _score([(path, text) for path, text, kept_back in files() if kept_back == held], verbose=verbose)


def measure_variety(*, verbose: bool = False) -> Score:
    """Scan the files of `variety/`."""
    found = (sample for collection in sorted(VARIETY.glob("*.txt")) for sample in samples(collection))
    return _score([(path, draw(text, path)) for path, text in found], verbose=verbose)


def _score(marked: list[tuple[str, str]], *, verbose: bool) -> Score:
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    found = false = missed = 0
    for path, text in marked:
        neutral = {n for n, line in enumerate(text.split("\n"), 1) if "‹" in line}
        data, spans = unmark(text.replace("‹", "").replace("›", ""))
        wanted = lines_of(data, spans)
        matches = matcher.scan(path, data)
        got = {n for m in matches for n in lines_of(data, {(m.start, m.end)})} - (neutral - wanted)
        found, false, missed = (
            found + len(wanted & got),
            false + len(got - wanted),
            missed + len(wanted - got),
        )
        if verbose:
            lines = data.decode("utf-8", "replace").split("\n")
            for n in sorted(wanted ^ got):
                print("missed" if n in wanted else "false ", path, n, lines[n - 1].strip()[:120])
    return Score(found, false, missed)


def main() -> None:
    """Print the first half's mistakes and both halves' scores."""
    for title, held in (("in sight", False), ("held back", True)):
        s = measure(held=held, verbose=not held)
        print(f"{title}: {s.found + s.missed} lines, {s}")


if __name__ == "__main__":
    main()
