"""Patterns in which `+` stands for one segment."""

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.core.policies.policy import Rule


@dataclass(frozen=True, slots=True)
class Segmented:
    """A `+` pattern, split, with its place in the order of specificity."""

    head: str
    parts: tuple[str, ...]
    prefix: bool
    rule: Rule
    rank: tuple[int, bool, int, int, str]

    def matches(self, parts: Sequence[str]) -> bool:
        """Whether the pattern stands for a path, given by its segments."""
        count = len(self.parts)
        if len(parts) < count or (not self.prefix and len(parts) != count):
            return False
        exact = count - 1 if self.prefix else count
        if any(mine not in ("+", theirs) for mine, theirs in zip(self.parts[:exact], parts, strict=False)):
            return False
        return not self.prefix or parts[exact].startswith(self.parts[-1])

    def overlaps(self, prefix: str) -> bool:
        """Whether the pattern can match something at or below `prefix`."""
        wanted = prefix.removesuffix("/").split("/")
        last = len(self.parts) - 1
        for index, part in enumerate(wanted):
            if index > last:
                return self.prefix
            mine = self.parts[index]
            if self.prefix and index == last:
                return part.startswith(mine)
            if mine not in ("+", part):
                return False
        return True


def segmented(bare: str, glob: bool, rule: Rule) -> Segmented:
    """Order: a later first wildcard, no glob, fewer `+`, longer, then by text."""
    parts = tuple(bare.split("/"))
    rank = (bare.index("+"), not glob, -parts.count("+"), len(bare), bare)
    return Segmented(bare[: bare.index("+")], parts, glob, rule, rank)
