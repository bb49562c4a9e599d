"""Tokens of providers that we know: a value that cannot be one is not reported as a generic token.

Each provider's own detectors know its formats. Beside its name, the generic stage keeps only values
of a usual length and alphabet, which may be a format not yet documented.
"""

from functools import lru_cache
from itertools import pairwise

from strongroom.scanner import package_files
from strongroom.scanner.generic_names import LISTS, words_of
from strongroom.scanner.lazy_pattern import lazy

_CLEAN = lazy(r"[A-Za-z0-9+/_.=~:|%-]+")
_USUAL = lazy(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{128}|"
    r"[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{64}|"
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9]{32}|[A-Za-z0-9]{40}|[A-Za-z0-9]{64}|"
    r"[A-Za-z0-9+/_-]{43}=?|[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{22}==)"
)


@lru_cache(maxsize=1)
def _providers() -> frozenset[str]:
    return frozenset(package_files.providers()) - LISTS["providers named like words"]


def provider_in(text: str) -> bool:
    """Whether a word of `text`, or two together, is the name of a provider with detectors."""
    words = words_of(text)
    return any(map(_names_provider, words)) or any(a + b in _providers() for a, b in pairwise(words))


@lru_cache(maxsize=8192)
def _names_provider(word: str) -> bool:
    known = _providers()
    longer = len(word) > 5 and any(word.startswith(p) or word.endswith(p) for p in known if len(p) > 3)
    return word in known or longer


def implausible(kind: str, value: str, around: str) -> str:
    """Say why `value` is no token: characters that tokens do not have, or a form no provider uses. Or ""."""
    if kind not in ("token", "api_key", "secret", "encryption_key"):
        return ""
    if kind in ("token", "api_key") and (len(value) < 10 or not _CLEAN.fullmatch(value)):
        return "tokens are longer and have no such characters"
    if provider_in(around) and not _USUAL.fullmatch(value):
        return "not in the form of this provider's tokens"
    return ""
