"""What is found in a version is what is found without knowing its base."""

import random
import sysconfig
from pathlib import Path

import pytest

from strongroom.scanner import rules
from strongroom.scanner.blob import Version
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.sources.deltas import copies

pytest.importorskip("hyperscan")


def _secret(dice: random.Random) -> bytes:
    text = "".join(dice.choices("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=36))
    line = dice.choice(
        (
            f'password = "{text[:14]}!"\n',
            f"GITLAB_TOKEN = 'glpat-{text[:20]}'\n",
            f'adafruit_io_key = "{"".join(dice.choices("0123456789abcdef", k=32))}"\n',
            f"url = 'postgres://app:{text[:12]}@db.internal/app'\n",
            f'    "client_secret": "{text}",\n',
        )
    )
    return line.encode()


def _edited(dice: random.Random, base: bytes) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Change a text in a few places; returns it and what it copies."""
    parts: list[bytes] = []
    copied: list[tuple[int, int, int]] = []
    at = made = 0
    for place in sorted(dice.sample(range(len(base)), dice.randint(1, 4))):
        cut = max(place, at)
        parts += [base[at:cut], _secret(dice) * dice.randint(0, 1)]
        copied.append((made, at, cut - at))
        made += len(parts[-2]) + len(parts[-1])
        at = cut + dice.choice((0, 0, 5, 300))
    parts.append(base[at:])
    copied.append((made, at, len(parts[-1])))
    return b"".join(parts), [copy for copy in copied if copy[2] > 0]


def _text(dice: random.Random) -> bytes:
    source = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    lines = dice.choice(source).read_bytes().splitlines(keepends=True)[:900]
    for _ in range(8):
        lines.insert(dice.randrange(len(lines) + 1), _secret(dice))
    return b"".join(lines)


@pytest.mark.parametrize("seed", range(30))
def test_a_version_gives_what_its_text_gives(seed: int) -> None:
    dice = random.Random(seed)
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    text = _text(dice)
    base = Version(len(text))
    matcher.scan("a.py", text, version=base)
    for _ in range(3):
        new, copied = _edited(dice, text)
        version = Version(len(new), base)
        version.copies = copied
        found = matcher.scan("a.py", new, version=version)
        assert [m[:4] for m in found] == [m[:4] for m in matcher.scan("a.py", new)]
        text, base = new, version


def test_a_delta_tells_its_long_copies() -> None:
    delta = b"\x88\x27\xf0\x2e" + b"\xb0\x88\x13" + b"\x03abc" + b"\xb3\x88\x13\x00\x04" + b"\x91\x05\x09"
    assert copies(delta, 6000) == [(0, 0, 5000), (5003, 5000, 1024)]
    assert copies(delta, 100) == []
