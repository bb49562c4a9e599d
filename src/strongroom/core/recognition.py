"""Who asks: a request's token becomes the visit's session, and one use of it is charged."""

from contextlib import suppress

from strongroom.core.tokens import Tokens
from strongroom.core.visit import Visit
from strongroom.errors import PermissionDenied
from strongroom.storage.contract import Conflict

MAX_RERUNS = 64


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
        visit.session = await tokens.session(request.token, request.remote)
        with suppress(Conflict):
            visit.last_use = await tokens.use_up(visit.session)
            visit.trail.who(visit.session)
            return
    raise PermissionDenied("permission denied")


async def _note(tokens: Tokens, visit: Visit) -> None:
    """Where no token is needed, say in the log whose came along all the same."""
    request = visit.request
    if request.token is not None:
        with suppress(PermissionDenied):
            visit.trail.who(await tokens.session(request.token, request.remote))
