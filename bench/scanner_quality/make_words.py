"""Makes `scanner/data/words.txt` and `bigrams.txt` from the text of installed software.

A word is kept when enough distinct files, in enough folders, use it; the bigram table holds how likely one
letter follows another inside the most used. Run: `python bench/scanner_quality/make_words.py [FOLDER …]`;
the words in use were counted in installed software and in the unpacked sources of 37 Debian packages.
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


def texts(roots: list[Path]) -> Iterator[tuple[str, str]]:
    """Yield (folder, text) of each file; the folder is the one two below its root."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and path.stat().st_size < 1_000_000:
                data = path.read_bytes()
                if b"\0" not in data[:4096]:
                    folder = "/".join(path.relative_to(root).parts[:2])
                    yield f"{root}/{folder}", data.decode("utf-8", "ignore")


def main() -> None:
    roots = [Path(a) for a in sys.argv[1:]] or [
        Path(sys.prefix) / "lib",
        Path("/usr/share"),
        Path("/usr/lib/python3"),
    ]
    files: Counter[str] = Counter()
    folders: dict[str, set[str]] = {}
    for folder, text in texts(roots):
        for word in {w.lower() for w in WORD.findall(text)}:
            files[word] += 1
            folders.setdefault(word, set()).add(folder)
    words = [
        w
        for w, n in files.most_common()
        if 3 <= len(w) <= 14 and n >= (40 if len(w) < 5 else 10) and len(folders[w]) >= 4
    ]
    (DATA / "words.txt").write_text("\n".join(sorted(words)) + "\n")
    pairs: Counter[tuple[str, str]] = Counter()
    for word in words[:9000]:
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
