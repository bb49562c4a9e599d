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
        assert found == matcher.scan("a.py", new)
        text, base = new, version


_FILLER = (
    "",
    "    ",
    "# a comment about the password and the token",
    "if token == expected: return value",
    "<p>The secret, if any, is passed on.</p>",
    '"output_token": "NextToken",',
    "Key = 000102030405060708090a0b0c0d0e0f",
    "Plaintext = 00112233445566778899aabbccddeeff",
    "Ciphertext = 69c4e0d86a7b0430d8cdb78070b4c55a",
    "password: &anchor",
    "  - name: DB_PASSWORD",
    "    value: kW93kd7-aLmQ2",
    'user, password = "anna", \\',
    "PASS: test_of_something (0.01s)",
    "x" * 300,
    "password=" + "kd93Lm" * 90,
    "curl -u anna:Ud83kLm9q https://api.internal/v1",
)
_NAMES = (
    "a.py",
    "config.yml",
    "data.json",
    "run.sh",
    "notes.md",
    "Main.java",
    "a.tf",
    "server.log",
    "vectors",
    ".env",
)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_a_version_of_any_file_gives_what_its_text_gives(name: str, seed: int) -> None:
    dice = random.Random(f"{name} {seed}")
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    lines = [dice.choice(_FILLER).encode() + b"\n" for _ in range(700)]
    for _ in range(25):
        lines.insert(dice.randrange(len(lines)), _secret(dice))
    text = b"".join(lines)
    base = Version(len(text))
    matcher.scan(name, text, version=base)
    for _ in range(6):
        new, copied = _edited(dice, text)
        version = Version(len(new), base)
        version.copies = copied
        found = matcher.scan(name, new, version=version)
        assert found == matcher.scan(name, new)
        text, base = new, version


@pytest.mark.parametrize("lines", range(2, 24, 3))
def test_what_is_put_behind_a_secret_can_speak_against_it(lines: int) -> None:
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    before = b"# some words of a comment\n" * 200 + b'encryption_key = "8f1d70c2e4a9b35d6071fe82c94ab3d5"\n'
    after = b"value = compute(value)\n" * lines
    rest = b"# other words of a comment\n" * 200
    text = before + after + rest
    base = Version(len(text))
    assert len(matcher.scan("a.py", text, version=base)) == 1
    vector = b"plaintext = 0\nciphertext = 1\n"
    version = Version(len(text) + len(vector), base)
    split = len(before) + len(after)
    version.copies = [(0, 0, split), (split + len(vector), split, len(rest))]
    new = before + after + vector + rest
    assert matcher.scan("a.py", new, version=version) == matcher.scan("a.py", new) == []


@pytest.mark.parametrize("gap", [0, 1, 20, 40])
def test_a_name_whose_value_comes_later_is_looked_at_again_where_names_stand_close(gap: int) -> None:
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    noise = b"// the google_client of gmail_client is told by mailgun and datadog\n" * 40
    before, value = noise + b"google_client_secret =" + b" " * gap, b"kZq8w3Vx0pTnLm5rYb2Hc7Jd\n"
    base = Version(len(before) + 1 + len(noise))
    assert matcher.scan("a.txt", before + b"\n" + noise, version=base) == []
    new = before + value + noise
    version = Version(len(new), base)
    version.copies = [(0, 0, len(before)), (len(before) + len(value), len(before) + 1, len(noise))]
    found = matcher.scan("a.txt", new, version=version)
    assert [match.detector.id for match in found] == ["google.oauth_legacy_client_secret"]
    assert found == matcher.scan("a.txt", new)


def test_a_delta_tells_its_long_copies() -> None:
    delta = b"\x88\x27\xf0\x2e" + b"\xb0\x88\x13" + b"\x03abc" + b"\xb3\x88\x13\x00\x04" + b"\x91\x05\x09"
    assert copies(delta, 6000) == [(0, 0, 5000), (5003, 5000, 1024)]
    assert copies(delta, 100) == []
