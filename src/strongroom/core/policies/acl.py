"""The compiled access-control list: which rule decides for a path, and what it says.

Source: Vault's policy documentation ("priority matching"), compared with OpenBao by
the differential tests. One rule decides: an exact path, else the most specific of the
globs and `+` patterns. Rules over the same path add up; a denial wins among them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from strongroom.core.policies.parameters import merged, refusal
from strongroom.core.policies.policy import Capability, Policy, Rule
from strongroom.core.policies.segmented import Segmented, segmented
from strongroom.framework.request import Operation

MAX_CACHED = (
    256  # of one set of policies: a server has hundreds of them, each with every path it was asked for
)

_LISTING = frozenset({Operation.LIST, Operation.SCAN})
_WITH_FIELDS = frozenset({Operation.READ, Operation.WRITE, Operation.PATCH})
_NEEDED = {
    Operation.READ: "read",
    Operation.LIST: "list",
    Operation.SCAN: "scan",
    Operation.WRITE: "update",
    Operation.PATCH: "patch",
    Operation.DELETE: "delete",
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
_HELP = Decision(True, True)  # what a path is for is in the documentation too


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
        self._segmented: list[Segmented] = []
        for rule in rules:
            self._add(rule)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)
        self._segmented.sort(key=lambda pattern: pattern.rank, reverse=True)
        self._sorted_exact = sorted(self._exact)
        self._grants: dict[tuple[str, Operation, bool], Decision] = {}
        self._decided: dict[tuple[str, Operation, bool | None], Decision] = {}

    def _add(self, rule: Rule) -> None:
        glob = rule.path.endswith("*")
        bare = rule.path[:-1] if glob else rule.path
        if rule.segmented:
            self._segmented.append(segmented(bare, glob, rule))
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
        # What is not a listing is routed without its trailing slash, so it is judged without it.
        rule = self._listing_rule(path) if operation in _LISTING else self._rule(path.removesuffix("/"))
        decision = self._granted(rule, path, operation, create=exists is False)
        if rule is None or not decision.allowed or not _constrains(rule):
            return self._remember((path, operation, exists), decision)
        problem = _broken(rule, operation, fields, wrap_ttl)
        return _refused(decision, f"{problem} on '{path}' (rule '{rule.path}')") if problem else decision

    def _granted(self, rule: Rule | None, path: str, operation: Operation, *, create: bool) -> Decision:
        """What the rule says of the operation; what it allows is the same for every path, and kept."""
        if rule is None:
            return Decision(False, reason=f"no rule grants '{_needed(operation, create=create)}' on '{path}'")
        key = (rule.path, operation, create)
        decision = self._grants.get(key)
        if decision is None:
            decision = _judged(rule, path, operation, create=create)
            if decision.allowed:
                self._grants[key] = decision
        return decision

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
        return any(_grants(pattern.rule) and pattern.overlaps(prefix) for pattern in self._segmented)

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
        prefix, glob = "", None
        for length in self._lengths:
            prefix = path[:length]
            glob = self._prefixes.get(prefix)
            if glob is not None:
                break
        if not self._segmented:
            return glob
        best = self._best_segmented(path)
        if best is None or glob is None:
            return best.rule if best else glob
        return best.rule if best.rank > (len(prefix), False, 0, len(prefix), prefix) else glob

    def _best_segmented(self, path: str) -> Segmented | None:
        parts: list[str] = []
        for pattern in self._segmented:
            if path.startswith(pattern.head):
                parts = parts or path.split("/")
                if pattern.matches(parts):
                    return pattern
        return None


def _grants(rule: Rule | None) -> bool:
    return rule is not None and bool(rule.capabilities) and not rule.denies


def _constrains(rule: Rule) -> bool:
    return bool(
        rule.allowed or rule.denied or rule.required
        or rule.min_wrapping_ttl or rule.max_wrapping_ttl or rule.pagination_limit
    )  # fmt: skip


def _needed(operation: Operation, *, create: bool) -> str:
    return "create" if create and operation is Operation.WRITE else _NEEDED[operation]


def _judged(rule: Rule, path: str, operation: Operation, *, create: bool) -> Decision:
    name = _needed(operation, create=create)
    sudo = bool(rule.capabilities & Capability.SUDO)
    if rule.denies:
        return Decision(False, reason=f"'{path}' is denied by rule '{rule.path}' of policy '{rule.policy}'")
    if not rule.capabilities & Capability[name.upper()]:
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


def hold_to_page(fields: dict[str, Any], limit: int) -> None:
    """Give an allowed listing its page size: the rule's where the caller names none or `max`; 0 is all."""
    if fields.get("limit") == "max" or (limit and "limit" not in fields):
        fields["limit"] = limit


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
