"""Passwords of several words: phrases that people chose, and the wordings of programs."""

from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import LISTS, Named, words_of
from strongroom.scanner.lazy_pattern import lazy
from strongroom.scanner.scoring_text import covered

_PHRASE = lazy(r"[a-z][a-z'-]{0,14}(?: (?:[a-z][a-z'-]{0,14}|\d{1,4})){2,7}[!.]?")
_GROUPS = lazy(r"[a-z]{4}(?: [a-z]{4}){3}")  # as Google writes the passwords of applications
_WORDING = LISTS["wording of prompts"]
_CONNECTIONS = frozenset(("wifi", "wpa", "wpa2", "wlan", "wireless"))


def phrase(name: str, named: Named, value: str, place: Place, *, quoted: bool) -> bool:
    """Whether `value` is a phrase, or groups of letters, that someone chose or was given as a password."""
    if named != ("password", 1.0) or not quoted or place.test or place.sample or place.locale:
        return False
    if _GROUPS.fullmatch(value):
        return covered(value) < 0.5
    words = words_of(name)
    made_of_words = words[-1] in ("passphrase", "psk") or not _CONNECTIONS.isdisjoint(words)
    if place.kind in ("text", "markup") or not (made_of_words or place.kind in ("config", "shell")):
        return False
    return _PHRASE.fullmatch(value) is not None and _WORDING.isdisjoint(value.rstrip("!.").split())
