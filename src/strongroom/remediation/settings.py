"""Routes of what operators set: when findings become incidents, playbooks, and webhooks."""

from base64 import b64encode
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from strongroom.crypto.random import random_bytes
from strongroom.errors import InvalidRequest, NotFound
from strongroom.findings.record import Severity
from strongroom.findings.service import house
from strongroom.framework import CommaList, Context, Fields, Nothing, Response
from strongroom.remediation import playbooks_store, record
from strongroom.remediation.deliveries import EVENTS, MAX_WEBHOOKS, Webhook
from strongroom.remediation.playbook import Mode
from strongroom.remediation.record import Config
from strongroom.remediation.service import desk

KEY_BYTES = 32
SHORTEST_KEY = 16
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]


class WriteConfig(Fields, frozen=True):
    """From which severity on findings become incidents, and modes that win over the playbooks'."""

    open_at: Severity | UnsetType = UNSET
    modes: dict[Severity, Mode] | UnsetType = UNSET


class Playbook(Fields, frozen=True):
    """A playbook by its name."""

    name: Name


class WritePlaybook(Fields, frozen=True):
    """A playbook as TOML."""

    name: Name
    text: str


class Hook(Fields, frozen=True):
    """A webhook by its name."""

    name: Name


class WriteHook(Fields, frozen=True):
    """Who is told. Without a key one is made and shown once."""

    name: Name
    url: Annotated[str, Meta(max_length=2000)]
    key: str = ""
    events: CommaList = EVENTS
    severity: Literal["low", "medium", "high", "critical"] = "low"


async def read_config(ctx: Context, req: Nothing) -> Response:
    """When findings become incidents."""
    return Response(_config(await record.config(house(ctx).tx)))


async def write_config(ctx: Context, req: WriteConfig) -> Response:
    """Set when findings become incidents; what is not sent stays."""
    tx = house(ctx).tx
    settings = await record.config(tx)
    if req.open_at is not UNSET:
        settings = replace(settings, open_at=req.open_at)
    if req.modes is not UNSET:
        settings = replace(settings, modes=req.modes)
    record.view(tx).put("config", settings)
    return Response(_config(settings))


async def list_playbooks(ctx: Context, req: Nothing) -> Response:
    """Every playbook's name."""
    return Response({"keys": await playbooks_store.names(house(ctx).tx)})


async def read_playbook(ctx: Context, req: Playbook) -> Response:
    """A playbook as it is written."""
    text, own = await playbooks_store.text(house(ctx).tx, req.name)
    return Response({"name": req.name, "text": text, "own": own})


async def write_playbook(ctx: Context, req: WritePlaybook) -> Response:
    """Keep a playbook; incidents that run keep theirs."""
    made = await playbooks_store.put(house(ctx).tx, req.name, req.text)
    return Response({"name": req.name, "title": made.title, "steps": [step.called for step in made.step]})


async def delete_playbook(ctx: Context, req: Playbook) -> Response:
    """Forget a playbook of yours."""
    playbooks_store.delete(house(ctx).tx, req.name)
    return Response()


async def list_webhooks(ctx: Context, req: Nothing) -> Response:
    """Every webhook's name."""
    keys = await record.view(house(ctx).tx).keys("webhook/", limit=MAX_WEBHOOKS)
    if not keys:
        raise NotFound
    return Response({"keys": [key.removeprefix("webhook/") for key in keys]})


async def read_webhook(ctx: Context, req: Hook) -> Response:
    """A webhook without its key."""
    return Response(_webhook(await record.view(house(ctx).tx).get(f"webhook/{req.name}", Webhook)))


async def write_webhook(ctx: Context, req: WriteHook) -> Response:
    """Set a webhook. Raises InvalidRequest for an address that the configuration does not name."""
    rows = record.view(house(ctx).tx)
    desk(ctx).messenger.permit(req.url)
    unknown = set(req.events) - set(EVENTS)
    if unknown or not req.events:
        raise InvalidRequest(f"field 'events': some of {', '.join(EVENTS)}")
    if req.key and len(req.key) < SHORTEST_KEY:
        raise InvalidRequest(f"field 'key': at least {SHORTEST_KEY} characters")
    known = await rows.keys("webhook/", limit=MAX_WEBHOOKS)
    if len(known) == MAX_WEBHOOKS and f"webhook/{req.name}" not in known:
        raise InvalidRequest(f"there are {MAX_WEBHOOKS} webhooks already")
    key = req.key or b64encode(random_bytes(KEY_BYTES)).decode()
    made = Webhook(name=req.name, url=req.url, key=key.encode(), events=tuple(req.events), floor=req.severity)
    rows.put(f"webhook/{req.name}", made)
    return Response({**_webhook(made), **({} if req.key else {"key": key})})


async def delete_webhook(ctx: Context, req: Hook) -> Response:
    """Tell this one no more."""
    record.view(house(ctx).tx).delete(f"webhook/{req.name}")
    return Response()


def _config(settings: Config) -> dict[str, Any]:
    return {"open_at": settings.open_at, "modes": dict(settings.modes)}


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "name": webhook.name,
        "url": webhook.url,
        "events": list(webhook.events),
        "severity": webhook.floor,
    }
