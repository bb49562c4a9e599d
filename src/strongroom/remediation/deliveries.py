"""Telling others: a job for each webhook, so that one that does not answer holds nothing up.

The body is JSON; `X-Strongroom-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA256 of `SECONDS.BODY`
under the webhook's key. `X-Strongroom-Delivery` is the same for each try of one delivery.
"""

import hashlib
import hmac
from typing import Any

import msgspec
from msgspec import Struct

from strongroom.audit.devices.outbound import Outbound
from strongroom.barrier.barrier import BarrierTransaction
from strongroom.clock import Clock, rfc3339
from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from strongroom.findings.record import SEVERITIES, Severity
from strongroom.jobs import Job, JobContext, Kind, enqueue
from strongroom.jobs.hold import Begin
from strongroom.remediation import record
from strongroom.remediation.record import Incident
from strongroom.sensitive import Sensitive

DELIVER = "incidents/deliver"
EVENTS = ("opened", "rotated", "contained", "by_hand", "closed")
TIMEOUT = 10.0
ATTEMPTS = 8
LONGEST_PAUSE = 600.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_WEBHOOKS = 50


class Webhook(Struct, frozen=True, kw_only=True):
    """Who is told. `key` signs; `events` and `floor` choose what of."""

    name: str
    url: str
    key: bytes
    events: tuple[str, ...] = EVENTS
    floor: Severity = "low"

    def __repr__(self) -> str:
        return f"Webhook({self.name})"


class Delivery(Struct, frozen=True):
    """One thing told to one webhook: references only."""

    webhook: str
    incident: str
    event: str
    at: float
    consumers: tuple[str, ...] = ()


async def webhooks(tx: BarrierTransaction) -> list[Webhook]:
    """Everyone who is told."""
    rows = record.view(tx)
    return [await rows.get(key, Webhook) for key in await rows.keys("webhook/", limit=MAX_WEBHOOKS)]


async def tell(
    tx: BarrierTransaction, incident: Incident, event: str, now: float, consumers: tuple[str, ...] = ()
) -> int:
    """Tell everyone who wants to hear of it, in jobs of this transaction; returns how many."""
    told = 0
    for webhook in await webhooks(tx):
        severe = SEVERITIES.index(incident.severity) >= SEVERITIES.index(webhook.floor)
        if event in webhook.events and severe:
            job = Delivery(webhook.name, incident.id, event, now, consumers)
            key = f"{incident.id}/{event}/{webhook.name}"
            await enqueue(tx, DELIVER, job, now=now, key=key)
            told += 1
    return told


class Messenger:
    """Sends deliveries to hosts that the configuration names."""

    def __init__(self, begin: Begin, clock: Clock, allowed: tuple[str, ...]) -> None:
        self._begin = begin
        self._clock = clock
        self._outbound = Outbound(allowed)

    def kind(self) -> Kind[Delivery]:
        """The kind of job that delivers."""
        return Kind(
            DELIVER,
            Delivery,
            self._run,
            attempts=ATTEMPTS,
            longest_pause=LONGEST_PAUSE,
            fatal=(NotFound, InvalidRequest),
            failed=self._failed,
        )

    def permit(self, url: str) -> None:
        """Raise InvalidRequest unless this address may be told anything."""
        import httpx  # noqa: PLC0415 (a server without webhooks needs none)

        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            raise InvalidRequest("field 'url': not an address") from None
        plain = parsed.scheme == "http" and parsed.host in LOOPBACK
        if (parsed.scheme != "https" and not plain) or not parsed.host or parsed.userinfo or parsed.fragment:
            raise InvalidRequest("field 'url': https, without user or fragment (http for loopback only)")
        try:
            self._outbound.permit(parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80))
        except InvalidRequest:
            raise InvalidRequest(
                f"the configuration does not let webhooks reach {parsed.host}: see [incidents] outbound"
            ) from None

    async def _run(self, ctx: JobContext, delivery: Delivery) -> None:
        async def send(key: str) -> None:
            tx = self._begin()
            webhook = await record.view(tx).find(f"webhook/{delivery.webhook}", Webhook)
            if webhook is None:
                raise NotFound(delivery.webhook)
            body = msgspec.json.encode(body_of(await record.get(tx, delivery.incident), delivery))
            await self._post(webhook, body, delivery, key)

        async def noted(tx: BarrierTransaction) -> None:
            await _note(tx, delivery, "told", self._clock.now())

        await ctx.step("send", send)
        await ctx.change("note", noted)

    async def _post(self, webhook: Webhook, body: bytes, delivery: Delivery, key: str) -> None:
        import httpx  # noqa: PLC0415 (a server without webhooks needs none)

        self.permit(webhook.url)
        url = httpx.URL(webhook.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await self._outbound.resolve(url.host, port)
        headers = {
            "Host": url.netloc.decode(),
            "Content-Type": "application/json",
            "X-Strongroom-Event": delivery.event,
            "X-Strongroom-Delivery": key,
            "X-Strongroom-Signature": signature(Sensitive(webhook.key), body, int(self._clock.now())),
        }
        try:
            async with (
                httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "POST",
                    url.copy_with(host=address),
                    content=body,
                    headers=headers,
                    extensions={"sni_hostname": url.host},
                ) as answer,
            ):
                status = answer.status_code
        except httpx.HTTPError as error:
            raise UpstreamFailed(f"the webhook did not answer: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise UpstreamFailed(f"the webhook answered {status}")

    async def _failed(self, tx: BarrierTransaction, job: Job) -> None:
        delivery = msgspec.msgpack.decode(job.arguments, type=Delivery)
        await _note(tx, delivery, f"could not be told ({job.error})", self._clock.now())


def signature(key: Sensitive[bytes], body: bytes, now: int) -> str:
    """`t=seconds,v1=hex`: HMAC-SHA256 over the seconds, a dot and the body."""
    digest = hmac.new(key.reveal(), b"%d." % now + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def body_of(incident: Incident, delivery: Delivery) -> dict[str, Any]:
    """What is told: names and numbers, never a value."""
    return {
        "event": delivery.event,
        "at": rfc3339(delivery.at),
        "incident": incident.id,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "secrets": [msgspec.to_builtins(held) for held in incident.held],
        "rotations": [
            {"id": each.id, "plan": each.plan, "new_version": each.new} for each in incident.rotations
        ],
        "grace_seconds": incident.grace,
        "consumers": list(delivery.consumers),
        "findings": list(incident.findings),
    }


async def _note(tx: BarrierTransaction, delivery: Delivery, what: str, now: float) -> None:
    incident = await record.get(tx, delivery.incident)
    incident.note(now, delivery.webhook, what, delivery.event)
    record.save(tx, incident, incident.state)
