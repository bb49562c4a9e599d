"""Stand-in for labelled real code: forms of many languages with drawn secrets, and lines that hold none.

`code/forms.txt` says how a value is written, `code/harmless.txt` what looks like a secret and is none.
Both were in sight while most rules were written; `code/fresh.txt` was written afterwards, and
`code/second.txt` later, by another hand: half of it was in sight while rules were mended, half was not.
"""

import random
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.scanner_quality import drawn
from bench.scanner_quality.leaks import Score

from strongroom.scanner import rules
from strongroom.scanner.matcher import Matcher

FOLDER = Path(__file__).parent / "code"
DRAWS, HARMLESS_DRAWS = 10, 3


class Case(NamedTuple):
    """One small file; `secret` is "" where nothing in it is to be reported."""

    kind: str
    path: str
    text: str
    secret: str


class Set(NamedTuple):
    """Which lines of which files: `part` 0 takes every other form, 1 the rest, -1 all.

    So does `quiet` of the harmless lines.
    """

    forms: str
    part: int
    harmless: str
    quiet: int
    more: bool = False  # draws other names, and kinds of values that people choose


SETS = {
    "in sight": Set("forms.txt", -1, "harmless.txt", 0),
    "fresh": Set("fresh.txt", -1, "harmless.txt", 1),
    "second hand, in sight": Set("second.txt", 0, "second_harmless.txt", 0, True),
    "second hand, held back": Set("second.txt", 1, "second_harmless.txt", 1, True),
}


def _names(name: str, word: str) -> dict[str, str]:
    parts = name.split("_")
    pascal = "".join(p.capitalize() for p in parts)
    camel = pascal[0].lower() + pascal[1:]
    return {"n": name, "c": camel, "P": pascal, "N": name.upper(), "k": name.replace("_", "-"), "w": word}


def _forms(name: str, part: int) -> Iterator[tuple[str, str]]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    for number, line in enumerate(line for line in lines if line and not line.startswith("# ")):
        path, _, form = line.partition(" | ")
        if part in (-1, number % 2):
            yield path.strip(), form.replace("\\n", "\n") if "ipynb" not in path else form


def secrets(chosen: Set) -> Iterator[Case]:
    """Each form of a set with drawn secrets, and with values that are none."""
    for path, form in _forms(chosen.forms, chosen.part):
        mode = form.partition(": ")[0] if form.startswith(("pw: ", "tok: ")) else ""
        body = form.removeprefix(f"{mode}: ")
        r = random.Random(f"{path}{form}")
        for turn in range(DRAWS + 3):
            password = mode == "pw" or (not mode and turn % 2 == 0)
            listed, kinds = _choices(password=password, more=chosen.more)
            kind, make = r.choice(list(kinds.items()))
            value = make(r) if turn < DRAWS else r.choice(drawn.PLACEHOLDERS)
            names = _names(r.choice(listed), r.choice(drawn.WORDS))
            text = _around(body.format(v=value, **names), path)
            label = f"{'password' if password else 'token'} {kind}" if turn < DRAWS else "placeholder"
            yield Case(label, path.format(**names), text, value if turn < DRAWS else "")


def _choices(*, password: bool, more: bool) -> tuple[tuple[str, ...], drawn.Kinds]:
    if password:
        return (
            (drawn.MORE_PASSWORD_NAMES, drawn.MORE_PASSWORDS)
            if more
            else (drawn.PASSWORD_NAMES, drawn.PASSWORDS)
        )
    return (drawn.MORE_TOKEN_NAMES, drawn.MORE_TOKENS) if more else (drawn.TOKEN_NAMES, drawn.TOKENS)


def harmless(chosen: Set) -> Iterator[Case]:
    """The lines beside a set that hold no secret."""
    for path, form in _forms(chosen.harmless, chosen.quiet):
        r = random.Random(f"{path}{form}")
        for _ in range(HARMLESS_DRAWS):
            word = r.choice(drawn.WORDS)
            marks = {"w": word, "W": word.capitalize(), "x": r.choice(drawn.WORDS), "u": drawn.uuid(r)}
            marks |= {f"h{n}": "".join(r.choices("0123456789abcdef", k=n)) for n in (2, 16, 24, 32, 40, 64)}
            marks |= {
                f"b{n}": "".join(r.choices(string.ascii_letters + string.digits, k=n)) for n in (22, 32, 43)
            }
            marks |= {"d": str(r.randint(100, 9999)), "H40": marks["h40"].upper()}
            yield Case("harmless", path.format(**marks), _around(form.format(**marks), path), "")


def _around(line: str, path: str) -> str:
    """A line between plain ones of its kind of file."""
    if path.endswith((".py", ".rb", ".sh", ".yml", ".pl", ".R", ".toml", ".env")):
        return f"# part of the example\n{line}\n# the rest\n"
    if path.endswith((".json", ".xml", ".html", ".ipynb", ".po", ".md", ".txt", ".log")):
        return f"{line}\n"
    return f"\n{line}\n\n"


def measure(title: str, *, verbose: bool = False) -> tuple[Score, Counter[str], Counter[str]]:
    """Scan one of SETS: the score, cases by kind, and those of them that went right."""
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    found = false = missed = 0
    tried: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for case in (*secrets(SETS[title]), *harmless(SETS[title])):
        data = case.text.encode()
        at = case.text.rfind(case.secret) if case.secret else -1
        hits = matcher.scan(case.path, data)
        hit = any(m.start < at + len(case.secret) and at < m.end for m in hits)
        good = hit if case.secret else not hits
        found, missed = found + (hit and at >= 0), missed + (not hit and at >= 0)
        false += bool(hits) and not case.secret
        tried[case.kind] += 1
        right[case.kind] += good
        if verbose and not good:
            print(
                "missed" if case.secret else "false ",
                f"{case.kind:17} {case.path:22} {case.text.strip()!r:.150}",
            )
    return Score(found, false, missed), tried, right


def main() -> None:
    """Print the mistakes on the sets in sight, and the scores of all."""
    for title in SETS:
        s, tried, right = measure(title, verbose="in sight" in title)
        print(f"{title}: {s.found + s.missed} secrets, {s}")
        print("  " + ", ".join(f"{kind} {right[kind]}/{count}" for kind, count in sorted(tried.items())))


if __name__ == "__main__":
    main()
