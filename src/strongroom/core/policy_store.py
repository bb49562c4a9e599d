"""Stored policies, and the compiled ACLs of the sets of policies that tokens carry."""

from collections.abc import Iterable
from dataclasses import replace

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.policies.acl import ACL, compile_acl
from strongroom.core.policies.defaults import DEFAULT_POLICY
from strongroom.core.policies.policy import Policy, parse_policy
from strongroom.core.policies.templates import rendered
from strongroom.framework.policy_names import RESPONSE_WRAPPING, ROOT

PREFIX = "policy/"
CACHED_ACLS = 10_000
PARSED = 1024


class PolicyText(Struct, frozen=True):
    """A policy as it was written."""

    name: str
    text: str


class Policies:
    """Reads and writes a namespace's policies; compiled forms are kept until any of them changes.

    `area` is the namespace's part of the barrier. `inside` goes before the paths of its rules,
    so that they are judged on whole paths and none can reach out of it.
    """

    def __init__(self, area: str = "", inside: str = "") -> None:
        self._area = area
        self._inside = inside
        self._acls: dict[tuple[str, ...], ACL] = {}
        self._parsed: dict[tuple[str, str], Policy] = {}
        self._changes = 0

    def view(self, tx: BarrierTransaction) -> View:
        """The policies' part of the barrier."""
        return View(tx, f"{self._area}{PREFIX}")

    async def text(self, tx: BarrierTransaction, name: str) -> str | None:
        """The text of a policy, or None."""
        if name == ROOT and not self._inside:
            return ""
        found = await self.view(tx).find(name, PolicyText)
        return found.text if found else None

    async def names(self, tx: BarrierTransaction) -> list[str]:
        """The names of the policies that can be given out: `root` in the root namespace alone."""
        own = set() if self._inside else {ROOT}
        return sorted({*await self.view(tx).list(), *own} - {RESPONSE_WRAPPING})

    def write(self, tx: BarrierTransaction, name: str, text: str) -> None:
        """Store a policy after parsing it. Raises InvalidRequest with line and column."""
        parse_policy(name, text)
        self.view(tx).put(name, PolicyText(name, text))

    def delete(self, tx: BarrierTransaction, name: str) -> None:
        """Remove a policy; tokens that carry its name lose what it gave."""
        self.view(tx).delete(name)

    def install_defaults(self, tx: BarrierTransaction) -> None:
        """Write the policies every server starts with."""
        for name, text in DEFAULT_POLICY.items():
            self.write(tx, name, text)

    def changed(self) -> None:
        """Drop compiled forms: a policy was written or deleted."""
        self._changes += 1
        self._acls.clear()

    async def acl(self, tx: BarrierTransaction, names: Iterable[str], now: float) -> ACL:
        """The compiled union of policies at `now`; a name without a policy gives nothing."""
        key = tuple(names)
        found = self.known(key, now)
        if found is not None:
            return found
        seen = self._changes
        policies: list[Policy] = []
        for name in key:
            text = None if name == ROOT else await self.text(tx, name)
            if text is not None:
                policies.append(self._placed(rendered(self._read(name, text), None)))
        acl = compile_acl(policies, root=ROOT in key and not self._inside, now=now)
        if seen == self._changes and len(self._acls) < CACHED_ACLS:
            self._acls[key] = acl
        return acl

    def known(self, names: tuple[str, ...], now: float) -> ACL | None:
        """The same where it is compiled already."""
        found = self._acls.get(names)
        return found if found is not None and found.valid_until > now else None

    def _read(self, name: str, text: str) -> Policy:
        """A policy as it is written: many sets share `default`, which is parsed once."""
        policy = self._parsed.get((name, text))
        if policy is None:
            if len(self._parsed) >= PARSED:
                self._parsed.clear()
            policy = self._parsed[name, text] = parse_policy(name, text)
        return policy

    def _placed(self, policy: Policy) -> Policy:
        """The policy with whole paths."""
        if not self._inside:
            return policy
        return replace(
            policy, rules=tuple(replace(rule, path=f"{self._inside}{rule.path}") for rule in policy.rules)
        )
