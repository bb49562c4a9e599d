"""Who may own a leaked secret: what the inventory says, then who owns the file, then who wrote it."""

from collections.abc import Iterable, Mapping

from strongroom.findings.record import Place, Suggestion, printable

MAX_SUGGESTIONS = 5


def suggest(facts: Iterable[Mapping[str, str]], places: Iterable[Place]) -> tuple[Suggestion, ...]:
    """Suggestions, the best first, each person once."""
    known = list(places)
    found: dict[str, str] = {}
    for each in facts:
        if each.get("owner"):
            found.setdefault(each["owner"], "owner in the inventory")
    for place in known:
        for owner in place.owners:
            found.setdefault(owner, f"code owner of {printable(place.path)}")
    written = sorted((place for place in known if place.email or place.author), key=lambda p: p.date)
    for place in written:
        found.setdefault(place.email or place.author, f"wrote it in commit {place.commit[:12]}")
    return tuple(Suggestion(who, why) for who, why in list(found.items())[:MAX_SUGGESTIONS])
