"""The API on `/v1/`: a call becomes a Request, the door answers, the Response becomes Vault's JSON."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from strongroom.api import cors
from strongroom.api.errors import answer_for, refusal
from strongroom.api.exchange import Answer, Call, Repeatable
from strongroom.api.identity import InlineLogin
from strongroom.api.inbound import patch_type_accepted, request_id, request_of
from strongroom.api.remote import Remotes
from strongroom.api.render import render
from strongroom.errors import StrongroomError
from strongroom.framework import CanonicalPath, Operation, Request, Response
from strongroom.sensitive import Sensitive

Door = Callable[[Request], Awaitable[Response]]
Report = Callable[[str, BaseException], None]

_INLINE_FAILED = ((b"x-vault-inline-auth-failed", b"true"),)
_REVOKE_SELF = CanonicalPath("auth/token/revoke-self")


class Api:
    """Answers calls through the door. `report` is told of what nobody raised on purpose."""

    def __init__(
        self,
        door: Door,
        *,
        report: Report,
        remotes: Remotes | None = None,
        cors_settings: Callable[[], cors.Settings] = cors.Disabled,
    ) -> None:
        self._door = door
        self._report = report
        self._remotes = remotes or Remotes()
        self._cors = cors_settings

    def answer(self, call: Call) -> Coroutine[Any, Any, Answer]:
        """Answer one call. Only cancellation leaves as an exception."""
        return self._answer_cross_origin(call) if "origin" in call.headers else self._answer(call)

    async def _answer_cross_origin(self, call: Call) -> Answer:
        settings = self._cors()
        early = cors.preflight(call, settings)
        if early is not None:
            return early
        answer = await self._answer(call)
        answer.again = None  # the settings decide, and nothing tells when they change
        return cors.with_origin(answer, call, settings)

    async def _answer(self, call: Call) -> Answer:
        identifier = request_id()
        request = None
        try:
            credentials = call.headers.credentials
            remote = call.peer
            if "x-forwarded-for" in call.headers:
                remote = self._remotes.address(remote, call.headers["x-forwarded-for"])
            request = request_of(call, credentials, identifier, remote)
            if request.operation is Operation.PATCH and not patch_type_accepted(call):
                return refusal(415, "a patch has the content type application/merge-patch+json")
            if credentials.inline is not None:
                return await self._with_inline_login(request, credentials.inline)
            response = await self._door(request)
            answer = _with_headers(render(response, identifier), request)
            if response.again is not None:
                answer.again = Repeatable(identifier, response.again)
            return answer
        except StrongroomError as error:
            return _with_headers(answer_for(error, identifier), request)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._report(identifier, error)
            return refusal(500, f"internal error (request {identifier})")

    async def _with_inline_login(self, request: Request, login: InlineLogin) -> Answer:
        """Log in, ask with the new token, and give it up unless a lease hangs on it."""
        try:
            entered = await self._door(_login_request(request, login))
        except StrongroomError as error:
            return replace(answer_for(error, request.id), headers=_INLINE_FAILED)
        if entered.auth is None or entered.auth.client_token is None:
            return refusal(400, "the inline login gave no token", headers=_INLINE_FAILED)
        request.token = entered.auth.client_token
        response = None
        try:
            response = await self._door(request)
        finally:
            if response is None or (response.lease is None and response.auth is None):
                await self._give_up(request, entered.auth.client_token)
        return render(response, request.id)

    async def _give_up(self, request: Request, token: Sensitive[str]) -> None:
        revoke = Request(
            Operation.WRITE,
            _REVOKE_SELF,
            request_id(),
            token=token,
            namespace=request.namespace,
            remote=request.remote,
        )
        with suppress(StrongroomError):  # a batch token or a spent one ends by itself
            await self._door(revoke)


def _with_headers(answer: Answer, request: Request | None) -> Answer:
    """The answer with what the door wants said of the request."""
    if request is None or not request.answer_headers:
        return answer
    return replace(answer, headers=answer.headers + request.answer_headers)


def _login_request(request: Request, login: InlineLogin) -> Request:
    return Request(
        login.operation,
        login.path,
        request_id(),
        namespace=login.namespace,
        body=login.body.reveal(),
        remote=request.remote,
        headers=request.headers,
        client_certificate=request.client_certificate,
    )
