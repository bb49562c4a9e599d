"""Tokens of providers that we know: a value that cannot be one is not reported as a generic token.

Each provider's own detectors know its formats. Beside its name, the generic stage keeps only values
of one of those formats, or of a usual length and alphabet, which may be a format not yet documented; a
secret or a key that mixes letters, digits and signs is left to the score.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from strongroom.scanner import package_files
from strongroom.scanner.generic_names import LISTS, words_of
from strongroom.scanner.kept_patterns import compiled
from strongroom.scanner.lazy_pattern import lazy

_CLEAN = lazy(r"[A-Za-z0-9+/_.=~:|%-]+")
_USUAL = lazy(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{128}|"
    r"[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{64}|"
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9]{32}|[A-Za-z0-9]{40}|[A-Za-z0-9]{64}|"
    r"[A-Za-z0-9+/_-]{43}=?|[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{22}==)"
)
_PLAIN = lazy(r"[0-9a-f-]+|[0-9A-F-]+|[A-Za-z]+")  # alphabets in which a wrong length tells
_JOINED = lazy(r"(?P<name>[a-z0-9]{4,}?)(?:api|access|auth|secret|client|app|key|token|id|url)+")
_VALUE = lazy(r"^value\s*=\s*'''(.+?)'''", re.MULTILINE)


@lru_cache(maxsize=1)
def _providers() -> frozenset[str]:
    return frozenset(package_files.providers()) - LISTS["providers named like words"]


def providers_in(text: str) -> Iterator[str]:
    """Yield the providers with detectors of which a word of `text`, or two together, is the name."""
    words = words_of(text)
    known = _providers()
    for word in (*words, *(a + b for a, b in pairwise(words))):
        joined = _JOINED.fullmatch(word)
        if word in known:
            yield word
        elif joined and joined["name"] in known:
            yield joined["name"]


@lru_cache(maxsize=64)
def _formats(provider: str) -> re.Pattern[str]:
    """What the values of a provider's context detectors look like."""
    values = _VALUE.findall(package_files.detector_text(provider))
    return compiled("|".join(f"(?:{value})" for value in values) or r"(?!)")


@lru_cache(maxsize=8192)
def implausible(kind: str, value: str, around: str) -> str:
    """Say why `value` is no token: characters that tokens do not have, or a form no provider uses. Or ""."""
    if kind not in ("token", "api_key", "secret", "encryption_key"):
        return ""
    if kind in ("token", "api_key") and (len(value) < 10 or not _CLEAN.fullmatch(value)):
        return "tokens are longer and have no such characters"
    if _USUAL.fullmatch(value):
        return ""
    if kind in ("secret", "encryption_key") and not _PLAIN.fullmatch(value):
        return ""
    named = list(providers_in(around))
    if named and not any(_formats(provider).fullmatch(value) for provider in named):
        return "not in the form of this provider's tokens"
    return ""
