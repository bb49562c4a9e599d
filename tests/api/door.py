"""A door that records what it is asked and answers what the test has laid out."""

from dataclasses import dataclass, field

import msgspec

from strongroom.api.app import Api
from strongroom.api.cors import Disabled, Settings
from strongroom.api.exchange import Answer, Call, Headers
from strongroom.api.remote import Remotes
from strongroom.framework import Request, Response


@dataclass
class Door:
    """`answers` by path; anything else gives an empty response."""

    answers: dict[str, Response | Exception] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)

    async def handle(self, request: Request) -> Response:
        self.seen.append(request)
        answer = self.answers.get(request.path, Response())
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Desk:
    """An API over such a door."""

    door: Door = field(default_factory=Door)
    reported: list[BaseException] = field(default_factory=list)
    cors: Settings = field(default_factory=Disabled)
    remotes: Remotes = field(default_factory=Remotes)

    async def ask(
        self,
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        peer: str = "192.0.2.1",
    ) -> Answer:
        api = Api(
            self.door.handle,
            report=lambda _, error: self.reported.append(error),
            remotes=self.remotes,
            cors_settings=lambda: self.cors,
        )
        raw, _, query = path.encode("utf-8").partition(b"?")
        return await api.answer(Call(method, raw, query, Headers(headers or {}), body, peer))

    async def request(self, path: str, method: str = "GET", **more: dict[str, str] | bytes | str) -> Request:
        """What the door is asked for this call."""
        await self.ask(path, method, **more)  # type: ignore[arg-type]  # passed through by name
        return self.door.seen[-1]


def members(answer: Answer) -> dict[str, object]:
    """The JSON object of an answer."""
    return msgspec.json.decode(answer.body, type=dict[str, object])
