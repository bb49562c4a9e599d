"""The compiled access-control list: which rule decides for a path, and what it says.

Source: Vault's policy documentation ("priority matching"), compared with OpenBao by
the differential tests. One rule decides: an exact path, else the most specific of the
globs and `+` patterns. Rules over the same path add up; a denial wins among them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from strongroom.core.policies.parameters import merged, refusal
from strongroom.core.policies.policy import Capability, Policy, Rule
from strongroom.framework.request import Operation

MAX_CACHED = 4096

_LISTING = frozenset({Operation.LIST, Operation.SCAN})
_WITH_FIELDS = frozenset({Operation.READ, Operation.WRITE, Operation.PATCH})
_NEEDED = {
    Operation.READ: Capability.READ,
    Operation.LIST: Capability.LIST,
    Operation.SCAN: Capability.SCAN,
    Operation.WRITE: Capability.UPDATE,
    Operation.PATCH: Capability.PATCH,
    Operation.DELETE: Capability.DELETE,
}
_REPORTED = tuple(
    sorted(member.name.lower() for member in Capability if member.name and member.name != "DENY")
)


class Decision(NamedTuple):
    """Allowed or not. `reason` names capability, path and rule, for the refusal's text.

    `limit` is the page size that a listing is held to, 0 for none.
    """

    allowed: bool
    sudo: bool = False
    reason: str = ""
    limit: int = 0


_ROOT = Decision(True, True)
_HELP = Decision(True)


@dataclass(frozen=True, slots=True)
class _Segmented:
    """A `+` pattern, split, with its place in the order of specificity."""

    parts: tuple[str, ...]
    prefix: bool
    rule: Rule
    rank: tuple[int, bool, int, int, str]

    def matches(self, parts: Sequence[str]) -> bool:
        count = len(self.parts)
        if len(parts) < count or (not self.prefix and len(parts) != count):
            return False
        exact = count - 1 if self.prefix else count
        if any(mine not in ("+", theirs) for mine, theirs in zip(self.parts[:exact], parts, strict=False)):
            return False
        return not self.prefix or parts[exact].startswith(self.parts[-1])


def _segmented(bare: str, glob: bool, rule: Rule) -> _Segmented:
    """Order: a later first wildcard, no glob, fewer `+`, longer, then by text."""
    parts = tuple(bare.split("/"))
    rank = (bare.index("+"), not glob, -parts.count("+"), len(bare), bare)
    return _Segmented(parts, glob, rule, rank)


def compile_acl(policies: Sequence[Policy], root: bool = False, now: float = 0.0) -> "ACL":
    """Make the list for a token's policies, templates already filled in.

    Rules that expired before `now` are left out; `ACL.valid_until` says when to compile again.
    """
    rules: dict[str, Rule] = {}
    valid_until = float("inf")
    for rule in (rule for policy in policies for rule in policy.rules):
        if rule.expires and rule.expires <= now:
            continue
        valid_until = min(valid_until, rule.expires or valid_until)
        rules[rule.path] = _united(rules[rule.path], rule) if rule.path in rules else rule
    return ACL(rules.values(), root=root, valid_until=valid_until)


def _united(mine: Rule, other: Rule) -> Rule:
    """Two rules over the same path; the shorter of two times holds."""
    if mine.denies or other.denies:
        return mine if mine.denies else other
    return replace(
        mine,
        capabilities=mine.capabilities | other.capabilities,
        allowed=merged(mine.allowed, other.allowed),
        denied=merged(mine.denied, other.denied),
        required=tuple(dict.fromkeys(mine.required + other.required)),
        min_wrapping_ttl=_lesser(mine.min_wrapping_ttl, other.min_wrapping_ttl),
        max_wrapping_ttl=_lesser(mine.max_wrapping_ttl, other.max_wrapping_ttl),
        pagination_limit=_lesser(mine.pagination_limit, other.pagination_limit),
        policy=", ".join(dict.fromkeys([*mine.policy.split(", "), other.policy])),
    )


def _lesser(mine: int, other: int) -> int:
    return min(mine, other) if mine and other else mine or other


class ACL:
    """What one set of policies allows. Immutable but for a bounded memory of decisions."""

    def __init__(self, rules: Iterable[Rule], *, root: bool, valid_until: float) -> None:
        self.root = root
        self.valid_until = valid_until
        self._exact: dict[str, Rule] = {}
        self._prefixes: dict[str, Rule] = {}
        self._segmented: list[_Segmented] = []
        for rule in rules:
            self._add(rule)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)
        self._segmented.sort(key=lambda pattern: pattern.rank, reverse=True)
        self._sorted_exact = sorted(self._exact)
        self._decided: dict[tuple[str, Operation, bool | None], Decision] = {}

    def _add(self, rule: Rule) -> None:
        glob = rule.path.endswith("*")
        bare = rule.path[:-1] if glob else rule.path
        if rule.segmented:
            self._segmented.append(_segmented(bare, glob, rule))
        elif glob:
            self._prefixes[bare] = rule
        else:
            self._exact[bare] = rule

    def check(
        self,
        path: str,
        operation: Operation,
        exists: bool | None = None,
        fields: Callable[[], Mapping[str, Any]] = dict,
        wrap_ttl: int = 0,
    ) -> Decision:
        """Decide. A write is a create where `exists` is False, an update otherwise.

        `fields` is called only where the rule limits parameters; `wrap_ttl` is 0 for a plain answer.
        """
        decided = self._decided.get((path, operation, exists))
        if decided is not None:
            return decided
        if self.root:
            return _ROOT
        if operation is Operation.HELP:
            return _HELP
        rule = self._listing_rule(path) if operation in _LISTING else self._rule(path)
        needed = Capability.CREATE if operation is Operation.WRITE and exists is False else _NEEDED[operation]
        decision = _granted(rule, needed, path)
        if rule is None or not decision.allowed or not _constrains(rule):
            return self._remember((path, operation, exists), decision)
        problem = _broken(rule, operation, fields, wrap_ttl)
        return _refused(decision, f"{problem} on '{path}' (rule '{rule.path}')") if problem else decision

    def _remember(self, key: tuple[str, Operation, bool | None], decision: Decision) -> Decision:
        if len(self._decided) >= MAX_CACHED:
            self._decided.clear()
        self._decided[key] = decision
        return decision

    def capabilities(self, path: str) -> list[str]:
        """The capability names on a path, `["root"]` for root, `["deny"]` for none."""
        if self.root:
            return ["root"]
        rule = self._listing_rule(path) if path.endswith("/") else self._rule(path)
        granted = rule.capabilities if rule else Capability(0)
        return [name for name in _REPORTED if granted & Capability[name.upper()]] or ["deny"]

    def any_below(self, prefix: str) -> bool:
        """Whether some rule grants anything at or below `prefix`: may the caller know of this mount?"""
        if self.root:
            return True
        at = bisect_left(self._sorted_exact, prefix)
        while at < len(self._sorted_exact) and self._sorted_exact[at].startswith(prefix):
            if _grants(self._exact[self._sorted_exact[at]]):
                return True
            at += 1
        if _grants(self._rule(prefix)) or _grants(self._exact.get(prefix.removesuffix("/"))):
            return True
        if any(glob.startswith(prefix) and _grants(rule) for glob, rule in self._prefixes.items()):
            return True
        return any(_grants(pattern.rule) and _overlaps(pattern, prefix) for pattern in self._segmented)

    def _listing_rule(self, path: str) -> Rule | None:
        """A listing is of the folder `path/` however spelled; a denial of either name stops it."""
        bare = path.rstrip("/")
        folder = f"{bare}/"
        named = self._exact.get(bare)
        if named is not None and named.denies:
            return named
        return self._exact.get(folder) or named or self._pattern(folder) or self._pattern(bare)

    def _rule(self, path: str) -> Rule | None:
        return self._exact.get(path) or self._pattern(path)

    def _pattern(self, path: str) -> Rule | None:
        """The most specific glob or `+` pattern."""
        prefix = next((path[:n] for n in self._lengths if path[:n] in self._prefixes), None)
        glob = None if prefix is None else self._prefixes[prefix]
        if not self._segmented:
            return glob
        parts = path.split("/")
        best = next((pattern for pattern in self._segmented if pattern.matches(parts)), None)
        if best is None or prefix is None:
            return best.rule if best else glob
        return best.rule if best.rank > (len(prefix), False, 0, len(prefix), prefix) else glob


def _grants(rule: Rule | None) -> bool:
    return rule is not None and bool(rule.capabilities) and not rule.denies


def _overlaps(pattern: _Segmented, prefix: str) -> bool:
    """Whether a `+` pattern can match something at or below `prefix`."""
    wanted = prefix.removesuffix("/").split("/")
    last = len(pattern.parts) - 1
    for index, part in enumerate(wanted):
        if index > last:
            return pattern.prefix
        mine = pattern.parts[index]
        if pattern.prefix and index == last:
            return part.startswith(mine)
        if mine not in ("+", part):
            return False
    return True


def _constrains(rule: Rule) -> bool:
    return bool(
        rule.allowed or rule.denied or rule.required
        or rule.min_wrapping_ttl or rule.max_wrapping_ttl or rule.pagination_limit
    )  # fmt: skip


def _granted(rule: Rule | None, needed: Capability, path: str) -> Decision:
    name = (needed.name or "").lower()
    if rule is None:
        return Decision(False, reason=f"no rule grants '{name}' on '{path}'")
    sudo = bool(rule.capabilities & Capability.SUDO)
    if rule.denies:
        return Decision(False, reason=f"'{path}' is denied by rule '{rule.path}' of policy '{rule.policy}'")
    if not rule.capabilities & needed:
        where = f"rule '{rule.path}' of policy '{rule.policy}' decides"
        return Decision(False, sudo, f"'{name}' is not granted on '{path}': {where}")
    return Decision(True, sudo, f"rule '{rule.path}' of policy '{rule.policy}'", rule.pagination_limit)


def _refused(decision: Decision, reason: str) -> Decision:
    """The same decision turned into a refusal."""
    return decision._replace(allowed=False, reason=reason)


def _broken(rule: Rule, operation: Operation, fields: Callable[[], Mapping[str, Any]], wrap_ttl: int) -> str:
    """Which constraint of a granting rule the request breaks, or empty."""
    shortest, longest = rule.min_wrapping_ttl, rule.max_wrapping_ttl
    if (longest and not 0 < wrap_ttl <= longest) or (shortest and wrap_ttl < shortest):
        return "the wrapping TTL is out of the allowed range"
    if operation in _WITH_FIELDS and (rule.allowed or rule.denied or rule.required):
        return refusal(rule, fields())
    if operation in _LISTING and rule.pagination_limit:
        return _over_page(rule, fields())
    return ""


def _over_page(rule: Rule, fields: Mapping[str, Any]) -> str:
    asked = fields.get("limit")
    if asked is None:
        return "parameter 'limit' is required" if "limit" in rule.required else ""
    if asked == "max":
        return ""
    text = str(asked)
    if not text.isascii() or not text.isdigit() or int(text) > rule.pagination_limit:
        return "parameter 'limit' is over the allowed page size"
    return ""
