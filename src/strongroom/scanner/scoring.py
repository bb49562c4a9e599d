"""The score of a generic candidate: a small logistic model that can say why.

Each feature is a number from 0 to 1 with a weight (`data/weights.txt`, fitted by
`bench/scanner_quality/fit.py` on data of our own). The score is the chance that a person
would call the value a secret; the reasons are the features that moved it most.
"""

import math
from functools import lru_cache
from typing import NamedTuple

from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import Named
from strongroom.scanner.lazy_pattern import lazy
from strongroom.scanner.package_files import data_text
from strongroom.scanner.scoring_text import covered, entropy, surprise

THRESHOLD = 0.5

_HEX = lazy(r"(?:0x)?[0-9a-fA-F]{16,}")
_UUID = lazy(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64 = lazy(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_IDENTIFIER = lazy(
    r"_?[a-z]+(?:[_\-./: ](?:[a-z]+|v?\d{1,2}))+|[A-Z]+(?:_(?:[A-Z]+|V?\d{1,2}))+|"
    r"[a-z]+(?:[A-Z][a-z]+\d?)+|(?:[A-Z]\d?[a-z]+){2,}|[A-Z]{2,5}[a-z]+(?:[A-Z][a-z]+){2,}"
)
_CONSTANT = lazy(r"[A-Z]+(?:_[A-Z0-9]+)*")
_DOTTED = lazy(r"[\w$]+(?:[.:]{1,2}[\w$]+)+")
_LETTERS = lazy(r"[A-Za-z]+")
_WORD_DIGITS = lazy(r"[A-Za-z]+[\d!@#$%&*._-]{1,6}")
_SECRETISH = lazy(r"(?i)pass|pwd|secret|token|key|auth|cred|user|login|name|test|value")

REASONS = {
    "password_name": "named as a password",
    "strong_name": "named as a secret, a token or a key",
    "weak_name": "its name alone says little",
    "partial_name": "the secret word is not the last of its name",
    "quoted": "a quoted literal",
    "call": "an argument of a call",
    "comma": "an argument after its name",
    "compare": "compared with a literal",
    "embedded": "inside a query or connection string",
    "space": "joined by a space",
    "element": "the text of an element",
    "pair": "a name and value pair",
    "short": "very short",
    "long": "long",
    "too_long": "very long",
    "classes": "mixes kinds of characters",
    "digits": "has digits among letters",
    "symbols": "has symbols",
    "entropy": "high entropy for its length",
    "surprise": "letters that words do not have",
    "words": "made of known words",
    "one_word": "a single known word",
    "identifier": "reads like an identifier",
    "constant": "reads like the name of a constant",
    "dotted": "reads like a dotted name",
    "spaces": "contains spaces",
    "hex": "hexadecimal",
    "uuid": "a UUID",
    "random_text": "long and without words",
    "secret_word": "contains a word such as `pass` or `key`",
    "word_digits": "a word with digits or signs after it",
    "numeric": "only digits",
    "neighbours": "a user name or a host stands beside it",
    "config": "in a configuration or shell file",
    "config_password": "a password in a configuration file",
    "test": "in a test",
    "sample": "in documentation or a sample",
    "locale": "in a translation file",
    "text": "in prose",
    "bare_weak": "unquoted, in a place where words are usual",
}


class Subject(NamedTuple):
    """All that the score looks at."""

    named: Named
    value: str
    op: str
    quoted: bool
    place: Place
    neighbours: bool


class Score(NamedTuple):
    """`value` is 0 to 1; `reasons` say what moved it, strongest first."""

    value: float
    reasons: tuple[str, ...]


@lru_cache(maxsize=1)
def weights() -> dict[str, float]:
    """The fitted weights by feature; `bias` is the constant."""
    rows = (line.split() for line in data_text("weights.txt").splitlines() if line and line[0] != "#")
    return {name: float(number) for name, number in rows}


def score(subject: Subject) -> Score:
    """Score a candidate. Pure and quick: the caller memoises by subject."""
    table = weights()
    parts = {name: table.get(name, 0.0) * amount for name, amount in features(subject).items() if amount}
    total = table["bias"] + sum(parts.values())
    chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
    towards = [n for n in parts if (parts[n] > 0) == (chance >= THRESHOLD) and abs(parts[n]) > 0.2]
    towards.sort(key=lambda n: -abs(parts[n]))
    return Score(chance, tuple(REASONS[n] for n in towards[:4]))


def features(s: Subject) -> dict[str, float]:
    """Every feature that is not zero, by name; the names are the keys of `REASONS`."""
    return {**_of_name(s), **_of_place(s), **_of_shape(s.value), **_of_text(s.value, s.named)}


def _of_name(s: Subject) -> dict[str, float]:
    strength = s.named.strength
    return {
        "password_name": float(s.named.kind == "password" and strength >= 1.0),
        "strong_name": float(s.named.kind != "password" and strength >= 0.5),
        "weak_name": float(strength <= 0.3),
        "partial_name": float(
            strength in (0.5, 0.4, 0.35) and s.named.kind in ("password", "secret", "token", "api_key")
        ),
        "quoted": float(s.quoted),
        s.op: float(s.op in REASONS),
        "neighbours": float(s.neighbours),
    }


def _of_place(s: Subject) -> dict[str, float]:
    place = s.place
    return {
        "config": float(place.kind in ("config", "shell")),
        "config_password": float(
            place.kind == "config" and not place.locale and s.named == ("password", 1.0)
        ),
        "test": float(place.test),
        "sample": float(place.sample),
        "locale": float(place.locale),
        "text": float(place.kind in ("text", "markup", "")),
        "bare_weak": float(not s.quoted and place.kind in ("text", "markup", "", "code")),
    }


def _of_shape(value: str) -> dict[str, float]:
    size = len(value)
    return {
        "short": float(size < 6),
        "long": float(16 <= size <= 128),
        "too_long": float(size > 300),
        "spaces": float(" " in value),
        "identifier": float(_IDENTIFIER.fullmatch(value) is not None),
        "constant": float(_CONSTANT.fullmatch(value) is not None),
        "dotted": float(_DOTTED.fullmatch(value) is not None and not value.startswith("eyJ")),
        "hex": float(_HEX.fullmatch(value) is not None),
        "uuid": float(_UUID.fullmatch(value) is not None),
        "word_digits": float(_WORD_DIGITS.fullmatch(value) is not None),
        "numeric": float(value.isdigit()),
    }


def _of_text(value: str, named: Named) -> dict[str, float]:
    words = covered(value)
    letters = _LETTERS.findall(value)
    digits = sum(c.isdigit() for c in value)
    symbols = sum(not c.isalnum() and c not in "_-. /" for c in value)
    classes = sum(
        (any(c.islower() for c in value), any(c.isupper() for c in value), bool(digits), bool(symbols))
    )
    ideal = math.log2(max(2, min(len(value), 64)))
    return {
        "classes": (classes - 1) / 3,
        "digits": float(bool(digits and letters)),
        "symbols": min(1.0, symbols / 3),
        "entropy": max(0.0, entropy(value) / ideal - 0.5) * 2,
        "surprise": max(0.0, min(1.0, (surprise(value) - 4.0) / 3)),
        "words": words * words,
        "one_word": float(len(letters) == 1 and words > 0.8 and len(letters[0]) == len(value)),
        "random_text": float(len(value) >= 16 and words < 0.3 and bool(digits)),
        "secret_word": float(_SECRETISH.search(value) is not None and words > 0.3),
    }
