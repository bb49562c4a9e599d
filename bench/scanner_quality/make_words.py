"""Makes `scanner/data/words.txt` and `bigrams.txt` from the text of installed software.

A word is kept when enough distinct files use it; the bigram table holds how likely one
letter follows another inside those words. Run: `python bench/scanner_quality/make_words.py`.
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

SUFFIXES = {".py", ".md", ".rst", ".txt", ".html", ".pl", ".pm", ".h", ".js", ".json", ""}
WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}")
DATA = Path(__file__).resolve().parents[2] / "src/strongroom/scanner/data"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def texts(roots: list[Path]) -> Iterator[str]:
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and path.stat().st_size < 1_000_000:
                data = path.read_bytes()
                if b"\0" not in data[:4096]:
                    yield data.decode("utf-8", "ignore")


def main() -> None:
    roots = [Path(a) for a in sys.argv[1:]] or [
        Path(sys.prefix) / "lib",
        Path("/usr/share"),
        Path("/usr/lib/python3"),
    ]
    files: Counter[str] = Counter()
    for text in texts(roots):
        files.update({w.lower() for w in WORD.findall(text)})
    words = [
        w for w, n in files.most_common(40_000) if 3 <= len(w) <= 14 and n >= (30 if len(w) < 5 else 12)
    ][:9000]
    (DATA / "words.txt").write_text("\n".join(sorted(words)) + "\n")
    pairs: Counter[tuple[str, str]] = Counter()
    for word in words:
        for a, b in pairwise(word):
            pairs[a, b] += 1 + int(math.log(files[word]))
    rows = []
    for a in LETTERS:
        total = sum(pairs[a, b] for b in LETTERS) + 26
        rows.append(" ".join(f"{math.log2((pairs[a, b] + 1) / total):.2f}" for b in LETTERS))
    (DATA / "bigrams.txt").write_text("\n".join(rows) + "\n")
    print(len(words), "words")


if __name__ == "__main__":
    main()
