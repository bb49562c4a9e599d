"""How much a value looks like words, and how much like chance."""

import math
from functools import lru_cache
from itertools import pairwise

from strongroom.scanner.lazy_pattern import lazy
from strongroom.scanner.package_files import data_text

_RUNS = lazy(r"[A-Z]?[a-z]+|[A-Z]+")
_LONGEST = 14


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    return frozenset(data_text("words.txt").split())


@lru_cache(maxsize=1)
def _bigrams() -> list[list[float]]:
    return [[float(x) for x in row.split()] for row in data_text("bigrams.txt").splitlines()]


def covered(value: str) -> float:
    """The share (0 to 1) of the letters of `value` that known words of four letters or more make up.

    A run that is itself a word of three letters counts too.
    """
    letters = found = 0
    for run in _RUNS.findall(value):
        low = run.lower()
        letters += len(low)
        found += len(low) if len(low) > 2 and low in _words() else _greedy(low)
    return found / letters if letters else 0.0


def _greedy(run: str) -> int:
    """Letters of `run` inside words of four letters or more, longest first from the left."""
    known = _words()
    at = total = 0
    while at <= len(run) - 4:
        for size in range(min(_LONGEST, len(run) - at), 3, -1):
            if run[at : at + size] in known:
                total += size
                at += size
                break
        else:
            at += 1
    return total


def surprise(value: str) -> float:
    """Mean bits per letter pair under the word model: about 3.5 for words, 6 and more for chance."""
    table = _bigrams()
    low = [ord(c) - 97 for c in value.lower()]
    pairs = [table[a][b] for a, b in pairwise(low) if 0 <= a < 26 and 0 <= b < 26]
    return -sum(pairs) / len(pairs) if pairs else 5.0


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits per character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in (value.count(c) for c in set(value))) if size else 0.0
