"""One request on its way through the door, and what it meets where nothing is."""

from dataclasses import dataclass

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.auditing import Trail
from strongroom.core.policies.acl import ACL
from strongroom.core.policy_store import Policies
from strongroom.core.router import Target
from strongroom.core.tokens import Session
from strongroom.errors import NotFound, StrongroomError, UnsupportedOperation
from strongroom.framework import ANONYMOUS, Caller, Request


@dataclass(slots=True)
class Visit:
    """One request on its way: where it leads, who asks, what it leaves in the log.

    `started` is in seconds since the epoch; `moment` is when it came, to a store that several
    nodes share. `policies` are those of the token's namespace, None for the root's; `acl` is
    what decided, `tx` what the handler worked in, `reran` whether it had to work more than once.
    """

    request: Request
    target: Target
    trail: Trail
    started: float
    session: Session | None = None
    last_use: bool = False
    moment: int = 0
    policies: Policies | None = None
    acl: ACL | None = None
    reran: bool = False
    tx: BarrierTransaction | None = None

    @property
    def namespaced(self) -> bool:
        """Whether the request or its token has to do with a namespace other than the root."""
        return bool(self.request.namespace or (self.session and self.session.entry.namespace))

    @property
    def caller(self) -> Caller:
        """Who asks; anonymous at logins and open routes."""
        return self.session.caller if self.session else ANONYMOUS


def nothing_there(request: Request, target: Target) -> StrongroomError:
    """The error for a path that nothing answers, as Vault words it."""
    if target.found.unsupported:
        return UnsupportedOperation("unsupported operation")
    if target.mount is not None and target.mount.path == "sys/":
        root_only = " in a namespace; it may be the root's" if target.mount.namespace else ""
        return NotFound(f"unsupported path{root_only}")
    return NotFound(f"no handler for route '{request.path}'")
