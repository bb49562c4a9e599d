"""Stand-in for the rule tests of other scanners: every kind of secret in the ways such tests write it.

The secret is drawn from the detector's own format; the name beside it is only the provider
(the detector's file) and a common word, so context detectors are tried with names they may not list.
`python -m bench.scanner_quality.rule_cases` prints recall by style and the kinds that are missed.
"""

import random
import re
import string
from collections import Counter
from collections.abc import Iterator
from re import _constants as op
from re import _parser
from typing import Any

from strongroom.scanner import rules
from strongroom.scanner.detector import Detector
from strongroom.scanner.matcher import Matcher

STYLES = (
    ("go", "a.go", 'var {camel} string = "{secret}"'),
    ("go short", "a.go", '{camel} := "{secret}"'),
    ("python", "a.py", '{snake} = "{secret}"'),
    ("python single", "a.py", "{upper} = '{secret}'"),
    ("env", ".env", "{upper}={secret}"),
    ("export", "a.sh", 'export {upper}="{secret}"'),
    ("json", "a.json", '{{\n  "{snake}": "{secret}"\n}}'),
    ("json compact", "a.json", '{{"{camel}":"{secret}"}}'),
    ("yaml", "a.yml", "{snake}: {secret}"),
    ("yaml quoted", "a.yaml", '{kebab}: "{secret}"'),
    ("toml", "a.toml", '{snake} = "{secret}"'),
    ("ini", "a.ini", "{kebab} = {secret}"),
    ("properties", "a.properties", "{dotted}={secret}"),
    ("js", "a.js", "const {camel} = '{secret}';"),
    ("java", "A.java", 'private static final String {upper} = "{secret}";'),
    ("java call", "A.java", 'System.setProperty("{upper}", "{secret}");'),
    ("php", "a.php", "${snake} = '{secret}';"),
    ("php array", "a.php", "'{snake}' => '{secret}',"),
    ("ruby", "a.rb", ":{snake} => '{secret}'"),
    ("csharp", "A.cs", 'string {camel} = "{secret}";'),
    ("xml", "a.xml", "<{camel}>{secret}</{camel}>"),
    ("terraform", "a.tf", '  {snake} = "{secret}"'),
    ("docker", "Dockerfile", "ENV {upper}={secret}"),
    ("plain", "", "{snake} = '{secret}'"),
    ("log", "a.log", "using {snake}={secret} for the call"),
)
WORDS = {"password": "password", "secret": "secret", "token": "token", "webhook": "webhook_token"}
CLASSES = {
    op.CATEGORY_DIGIT: string.digits,
    op.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    op.CATEGORY_SPACE: " ",
}
PLAIN = string.ascii_letters + string.digits


class Drawn:
    """Draws texts that a pattern matches."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def text(self, items: Any) -> str:
        """A text for a sequence of parse items."""
        return "".join(self._item(kind, value) for kind, value in items)

    def _item(self, kind: Any, value: Any) -> str:
        if kind is op.LITERAL:
            return chr(value)
        if kind is op.IN:
            return self._dice.choice(self._set(value))
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, inner = value
            count = (
                self._dice.randint(low, min(high, low + 6)) if low or high > 1 else self._dice.randint(0, 1)
            )
            return "".join(self.text(inner) for _ in range(count))
        if kind is op.SUBPATTERN:
            return self.text(value[3])
        if kind is op.BRANCH:
            return self.text(self._dice.choice(value[1]))
        if kind is op.ANY or kind is op.NOT_LITERAL:
            return self._dice.choice(PLAIN)
        return ""

    @staticmethod
    def _set(value: Any) -> str:
        if value[0][0] is op.NEGATE:
            return PLAIN
        found = ""
        for kind, inner in value:
            if kind is op.LITERAL:
                found += chr(inner)
            elif kind is op.RANGE:
                found += "".join(map(chr, range(inner[0], inner[1] + 1)))
            else:
                found += CLASSES.get(inner, PLAIN)
        return "".join(c for c in found if c.isprintable()) or PLAIN


def secret(d: Detector, dice: random.Random) -> str:
    """Draw a secret of this kind; "" where its format stands for more than the secret alone."""
    tree = _parser.parse(d.value or d.pattern)
    if d.value:
        return Drawn(dice).text(tree)
    for kind, value in tree:
        if kind is op.SUBPATTERN and value[0] == 1:
            outside = [item for item in tree if item[0] is not op.SUBPATTERN and item[0] is not op.AT]
            return "" if any(item[0] is op.LITERAL for item in outside) else Drawn(dice).text(value[3])
    return ""


def cases(d: Detector, dice: random.Random) -> Iterator[tuple[str, str, str, str]]:
    """Yield (style, file name, text, secret) for a detector."""
    provider, _, kind = d.id.partition(".")
    word = next((w for key, w in WORDS.items() if key in kind), "api_key")
    for style, name, form in STYLES:
        drawn = secret(d, dice)
        if not drawn or d.checksum or re.search(r"[\s\"'<>&\\]", drawn):
            continue
        parts = [provider, *word.split("_")]
        names = {
            "snake": "_".join(parts),
            "upper": "_".join(parts).upper(),
            "kebab": "-".join(parts),
            "dotted": ".".join(parts),
            "camel": parts[0] + "".join(p.capitalize() for p in parts[1:]),
        }
        yield style, name, form.format(secret=drawn, **names) + "\n", drawn


def measure(seed: int = 5, share: float = 1.0) -> tuple[Counter[str], Counter[str], dict[str, float]]:
    """Return (cases by style, found by style, recall by detector id)."""
    dice = random.Random(seed)
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    kinds: dict[str, float] = {}
    for d in loaded.detectors():
        if d.kind == "generic" or dice.random() >= share:
            continue
        results = []
        for style, name, text, drawn in cases(d, dice):
            at = text.encode().find(drawn.encode())
            hit = any(m.start < at + len(drawn) and at < m.end for m in matcher.scan(name, text.encode()))
            tried[style] += 1
            found[style] += hit
            results.append(hit)
        if results:
            kinds[d.id] = sum(results) / len(results)
    return tried, found, kinds


def main() -> None:
    """Print recall."""
    tried, found, kinds = measure()
    for style, count in tried.items():
        print(f"{style:14} {found[style] / count:.3f} of {count}")
    whole = sum(rate >= 0.5 for rate in kinds.values())
    print(f"kinds found in most styles: {whole} of {len(kinds)} ({whole / len(kinds):.3f})")
    print("missed most:", *sorted(id for id, rate in kinds.items() if rate < 0.5), sep="\n  ")


if __name__ == "__main__":
    main()
