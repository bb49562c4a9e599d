"""Fits the score's weights: generated examples, and installed software as the background of no's.

`python bench/scanner_quality/fit.py DIR…` writes `scanner/data/weights.txt`. Half of the data
is held back; its precision and recall are printed.
"""

import hashlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.scanner_quality.generate import examples

from strongroom.scanner import generic
from strongroom.scanner.generic_assign import Cursor, assignments
from strongroom.scanner.generic_judge import _NEIGHBOURS, excluded
from strongroom.scanner.generic_language import place_of
from strongroom.scanner.generic_names import classify
from strongroom.scanner.scoring import REASONS, Subject, features, score, weights

WEIGHTS = Path(__file__).resolve().parents[2] / "src/strongroom/scanner/data/weights.txt"
Row = tuple[dict[str, float], float, float]


def subjects(path: str, data: bytes) -> Iterator[tuple[int, Subject]]:
    """What reaches the score in a file: the start of the value, and what is known of it."""
    place, cursor = place_of(path), Cursor()
    for trigger, end in sorted(generic.hits(data), key=lambda hit: hit[1]):
        if generic.TRIGGERS[trigger].name != "assign" or place.lock:
            continue
        for found in assignments(data, end, place, cursor):
            named = classify(found.name)
            raw = data[found.start : found.end]
            if (
                named is None
                or not raw.isascii()
                or excluded(found.name, named, raw.decode().strip(), quoted=found.quoted)
            ):
                continue
            near = _NEIGHBOURS.search(data, max(0, found.at - 160), found.end + 160) is not None
            yield found.start, Subject(named, raw.decode().strip(), found.op, found.quoted, place, near)


def background(roots: list[Path]) -> Iterator[Subject]:
    """Candidates of installed software: no secrets; those that score high already are left out."""
    seen: set[str] = set()
    for root in roots:
        for path in sorted(root.rglob("*")):
            if not path.is_file() or path.is_symlink() or path.stat().st_size > 600_000:
                continue
            data = path.read_bytes()
            if b"\0" in data[:4000]:
                continue
            for _, subject in subjects(str(path), data):
                key = f"{subject.named}{subject.value}"
                if key not in seen and score(subject).value < 0.6:
                    seen.add(key)
                    yield subject


def rows(roots: list[Path]) -> list[tuple[Row, bool]]:
    """Every example as (features, label, weight) and whether it is held back."""
    out: list[tuple[Row, bool]] = []
    for path, data, start, _, label in examples(7, 12_000):
        for at, subject in subjects(path, data):
            if at == start:
                out.append(((features(subject), float(label), 1.0), _held(subject.value)))
    noes = [(features(s), 0.0, 2.0) for s in background(roots)]
    out += [(row, n % 2 == 0) for n, row in enumerate(noes)]
    print(len(out), "examples,", len(noes), "from installed software")
    return out


def _held(value: str) -> bool:
    return hashlib.sha256(value.encode()).digest()[0] % 2 == 0


def fit(data: list[Row], rounds: int = 160) -> dict[str, float]:
    """Logistic regression by gradient descent with momentum; pulled a little towards the weights in use."""
    prior = weights()
    names = ["bias", *REASONS]
    w = {name: prior.get(name, 0.0) for name in names}
    speed = dict.fromkeys(names, 0.0)
    total = sum(weight for _, _, weight in data)
    for _ in range(rounds):
        slope = dict.fromkeys(names, 0.0)
        for row, label, weight in data:
            z = w["bias"] + sum(w[n] * v for n, v in row.items() if n in w)
            error = (1 / (1 + math.exp(-max(-30.0, min(30.0, z)))) - label) * weight
            slope["bias"] += error
            for n, v in row.items():
                if v and n in slope:
                    slope[n] += error * v
        for n in names:
            speed[n] = 0.9 * speed[n] - 0.5 * (slope[n] / total + 0.004 * (w[n] - prior.get(n, 0.0)))
            w[n] += speed[n]
    return w


def report(title: str, data: list[Row], w: dict[str, float]) -> None:
    """Print precision and recall at one half."""
    table = {(True, True): 0.0, (True, False): 0.0, (False, True): 0.0, (False, False): 0.0}
    for row, label, _ in data:
        z = w["bias"] + sum(w.get(n, 0.0) * v for n, v in row.items())
        table[z >= 0, label > 0.5] += 1
    tp, fp, fn = table[True, True], table[True, False], table[False, True]
    print(
        f"{title}: precision {tp / max(1.0, tp + fp):.3f} recall "
        f"{tp / max(1.0, tp + fn):.3f} ({tp:.0f} found, {fp:.0f} false, {fn:.0f} missed)"
    )


def main() -> None:
    data = rows([Path(a) for a in sys.argv[1:]] or [Path(sys.prefix) / "lib"])
    train, held = [r for r, h in data if not h], [r for r, h in data if h]
    report("held back, weights in use", held, weights())
    w = fit(train)
    report("training", train, w)
    report("held back", held, w)
    lines = [
        "# feature weight; fitted by bench/scanner_quality/fit.py",
        *(f"{n} {v:.3f}" for n, v in w.items()),
    ]
    WEIGHTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
