"""Reports of generic detection in installed open-source software, per megabyte: most are false.

`python -m bench.scanner_quality.alarms [FOLDER …]` prints each and the rate (default: `ROOTS`).
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from strongroom.scanner import rules
from strongroom.scanner.finding import Match
from strongroom.scanner.matcher import Matcher

ROOTS = ("/usr/lib/python3", "/usr/share/perl", "/usr/share/vim", "/usr/share/zsh", "/usr/lib/node_modules")
LARGEST = 1_000_000  # bytes of a file that is read


def files(roots: list[Path]) -> Iterator[tuple[Path, bytes]]:
    """Yield the text files under `roots`."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if not path.is_file() or path.is_symlink() or path.stat().st_size > LARGEST:
                continue
            data = path.read_bytes()
            if b"\0" not in data[:4096]:
                yield path, data


def measure(roots: list[Path]) -> tuple[int, list[tuple[Path, Match, bytes]]]:
    """Return the bytes read, and every report with its file and line."""
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    size = 0
    found = []
    for path, data in files(roots):
        size += len(data)
        for m in matcher.scan(str(path), data):
            end = data.find(b"\n", m.start)
            line = data[data.rfind(b"\n", 0, m.start) + 1 : end if end >= 0 else len(data)]
            found.append((path, m, line))
    return size, found


def main() -> None:
    """Print the reports and their rate."""
    roots = [Path(a) for a in sys.argv[1:]] or [Path(root) for root in (*ROOTS, Path(sys.prefix) / "lib")]
    size, found = measure(roots)
    for path, m, line in found:
        text = line.strip()[:140].decode("utf-8", "replace")
        print(f"{m.detector.id}\t{m.score:.2f}\t{path}\t{m.secret[:40]!r}\t{text!r}")
    kinds = Counter(m.detector.id for _, m, _ in found).most_common(6)
    print(f"{len(found)} reports in {size / 1e6:.0f} MB: {len(found) / size * 1e6:.2f} per MB; {kinds}")


if __name__ == "__main__":
    main()
