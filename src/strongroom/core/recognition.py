"""Who asks: a request's token becomes the visit's session, and one use of it is charged."""

from contextlib import suppress

from strongroom.core.tokens import Tokens
from strongroom.core.visit import Visit
from strongroom.errors import PermissionDenied, RateLimited
from strongroom.storage.contract import Conflict

MAX_RERUNS = 64
CONTENDED = "too many concurrent changes to the same data; try again"


def recognised(tokens: Tokens, visit: Visit) -> bool:
    """Whether the caller's token is in memory, as most are: then nothing need be waited for.

    Raises PermissionDenied for one that is no good any more.
    """
    request, route = visit.request, visit.target.found.route
    if route is not None and (route.login or route.open):
        return False
    visit.session = tokens.known(request.token, request.remote)
    if visit.session is None:
        return False
    visit.trail.who(visit.session)
    return True


async def identify(tokens: Tokens, visit: Visit, *, sealed: bool) -> None:
    """Find out whose token it is. Raises PermissionDenied where the route needs one."""
    request, route = visit.request, visit.target.found.route
    if route is not None and (route.login or route.open):
        if not sealed:
            await _note(tokens, visit)
        return
    for _ in range(MAX_RERUNS):
        with suppress(Conflict):  # the token has just been changed, by another node perhaps
            visit.session = await tokens.session(request.token, request.remote)
            visit.last_use = await tokens.use_up(visit.session)
            visit.trail.who(visit.session)
            return
    raise RateLimited(CONTENDED)


async def _note(tokens: Tokens, visit: Visit) -> None:
    """Where no token is needed, say in the log whose came along all the same."""
    request = visit.request
    if request.token is None:
        return
    for _ in range(MAX_RERUNS):
        with suppress(Conflict):
            with suppress(PermissionDenied):
                visit.trail.who(await tokens.session(request.token, request.remote))
            return
    raise RateLimited(CONTENDED)
