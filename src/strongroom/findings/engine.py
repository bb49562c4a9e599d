"""The engine mounted at `findings/`: reports in; listings, states and exposure windows out."""

from typing import Annotated, Any, Literal

from msgspec import Meta, to_builtins
from msgspec.structs import replace

from strongroom.errors import NotFound
from strongroom.findings import exposure, ingest, record, states
from strongroom.findings.callers import actor, name_of
from strongroom.findings.exposure import time_of
from strongroom.findings.record import STATES, Finding, Place, Severity, Source, State
from strongroom.findings.report import Report
from strongroom.findings.service import desk, house
from strongroom.framework import Context, Engine, Fields, Nothing, Response, Route

PAGE = 1000
LOOKED_AT = 5000


class Named(Fields, frozen=True):
    """A finding by its id, or the unique beginning of one."""

    id: str


class Listing(Fields, frozen=True):
    """Which findings: the worst first. Without a state those that someone must act on."""

    state: State | Literal["", "all"] = ""
    severity: Severity | Literal[""] = ""
    assignee: str = ""
    source: str = ""
    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 100


class SourceNamed(Fields, frozen=True):
    """What is scanned, as reports name it."""

    source: Annotated[str, Meta(min_length=1, max_length=500)]


async def report(ctx: Context, req: Report) -> Response:
    """Merge a batch of a scanner's findings."""
    tx = house(ctx).tx
    intake = desk(ctx).intake(tx, await actor(tx, ctx.caller), ctx.now())
    outcome = await intake.take(req)
    counts = {"findings": len(outcome.findings), "new": len(outcome.new), "reopened": len(outcome.reopened)}
    listed = [brief(finding) for finding in outcome.findings]
    return Response({**counts, "gone": outcome.gone, "listed": listed, "new_ids": outcome.new}, facts=counts)


async def listing(ctx: Context, req: Listing) -> Response:
    """A page of findings, the worst first."""
    wanted = STATES if req.state == "all" else (req.state,) if req.state else record.ACTIVE
    found: list[Finding] = []
    rows, tx = record.view(house(ctx).tx), house(ctx).tx
    after, looked_at = req.after, 0
    for state in wanted:
        prefix = f"state/{state}/"
        if after and not after.startswith(prefix):
            continue
        while looked_at < LOOKED_AT:
            keys = await rows.keys(prefix, after, 200)
            for key in keys:
                after = key
                finding = await record.find(tx, key.rpartition("/")[2])
                if finding is not None and _fits(finding, req):
                    found.append(finding)
                    if len(found) == req.limit:
                        return _page(found, after)
            looked_at += len(keys)
            if len(keys) < 200:
                break
        after = ""
    return _page(found, "")


def _page(found: list[Finding], after: str) -> Response:
    if not found:
        raise NotFound
    return Response(
        {
            "keys": [finding.id for finding in found],
            "key_info": {finding.id: brief(finding) for finding in found},
            "next": after,
        }
    )


def _fits(finding: Finding, req: Listing) -> bool:
    return (
        req.severity in ("", finding.severity)
        and req.assignee in ("", finding.assignee)
        and (not req.source or any(place.source == req.source for place in finding.places))
    )


async def show(ctx: Context, req: Named) -> Response:
    """All that is known of a finding."""
    finding = await record.get(house(ctx).tx, req.id)
    return Response(whole(finding), facts={"finding": finding.id})


async def change(ctx: Context, req: states.Change) -> Response:
    """Change state, assignee or severity, or add a note."""
    tx = house(ctx).tx
    before = await record.get(tx, req.id)
    finding = replace(before)
    states.apply(finding, req, name_of(ctx.caller), ctx.now())
    await ingest.weigh(tx, desk(ctx).vault, finding, ctx.now())
    record.save(tx, finding, before)
    return Response(brief(finding), facts={"finding": finding.id, "state": finding.state})


async def show_exposure(ctx: Context, req: Named) -> Response:
    """The exposure window of each version of ours that leaked, with everyone who read it."""
    tx, office = house(ctx).tx, desk(ctx)
    finding = await record.get(tx, req.id)
    found = await exposure.windows(tx, office.vault, office.log(), finding, ctx.now())
    return Response(
        {
            "id": finding.id,
            "exposed_from": time_of(finding.earliest or finding.first_seen),
            "contained": time_of(finding.contained),
            "windows": [exposure.shown(each) for each in found],
        },
        facts={"finding": finding.id, "windows": len(found)},
    )


async def list_sources(ctx: Context, req: Nothing) -> Response:
    """What is scanned, when it last was, and whether a scan is asked for."""
    rows = record.view(house(ctx).tx)
    found = [await rows.get(key, Source) for key in await rows.keys("source/", limit=PAGE)]
    if not found:
        raise NotFound
    return Response(
        {
            "keys": [source.name for source in found],
            "key_info": {source.name: _source(source) for source in found},
        }
    )


async def ask_rescan(ctx: Context, req: SourceNamed) -> Response:
    """Ask for a scan: whoever watches the source sees it and scans."""
    rows = record.view(house(ctx).tx)
    key = f"source/{record.digest(req.source)}"
    source = await rows.find(key, Source)
    if source is None:
        raise NotFound("nothing was ever reported from this source; list `source` to see which there are")
    source.wanted = ctx.now()
    rows.put(key, source)
    return Response(_source(source))


async def read_source(ctx: Context, req: SourceNamed) -> Response:
    """When a source was last scanned and whether a scan is asked for."""
    source = await record.view(house(ctx).tx).find(f"source/{record.digest(req.source)}", Source)
    if source is None:
        raise NotFound
    return Response(_source(source))


def brief(finding: Finding) -> dict[str, Any]:
    """A finding as listings show it."""
    return {
        "id": finding.id,
        "name": finding.name,
        "severity": finding.severity,
        "state": finding.state,
        "assignee": finding.assignee,
        "validity": finding.validity,
        "secrets": [held.shown for held in finding.held],
        "place": _shown(finding.places[0]) if finding.places else "",
        "places": len(finding.places) + finding.unlisted,
        "first_seen": time_of(finding.first_seen),
        "last_seen": time_of(finding.last_seen),
        "incident": finding.incident,
    }


def whole(finding: Finding) -> dict[str, Any]:
    """A finding with all that is known."""
    return {
        **brief(finding),
        "detector": finding.detector,
        "fingerprint": finding.fingerprint,
        "severity_reasons": list(finding.reasons),
        "confidence": finding.confidence,
        "reach": finding.reach,
        "public": finding.public,
        "held": to_builtins(finding.held),
        "suggested_owners": to_builtins(finding.suggested),
        "reason": finding.why,
        "ignored_until": time_of(finding.until),
        "exposed_from": time_of(finding.earliest),
        "contained": time_of(finding.contained),
        "reopened": finding.reopened,
        "advice": finding.advice,
        "docs": finding.docs,
        "playbook": finding.playbook,
        "occurrences": [_place(place) for place in finding.places],
        "unlisted": finding.unlisted,
        "timeline": [{**to_builtins(event), "at": time_of(event.at)} for event in finding.timeline],
    }


def _place(place: Place) -> dict[str, Any]:
    times = {"seen": time_of(place.seen), "gone": time_of(place.gone)}
    return {
        name: value
        for name, value in {**to_builtins(place), **times}.items()
        if value not in ("", 0, [], None) and name != "scan"
    }


def _shown(place: Place) -> str:
    path = "!".join((place.path or "stdin", *place.inside))
    return record.printable(f"{path}:{place.line}{f' @{place.commit[:12]}' if place.commit else ''}")


def _source(source: Source) -> dict[str, Any]:
    return {
        "source": source.name,
        "scanned": time_of(source.scanned),
        "complete": time_of(source.complete),
        "scan_wanted": time_of(source.wanted),
        "public": source.public,
    }


class Findings(Engine):
    """Secrets that leaked: one finding for each, with its places, state and exposure."""

    kind = "findings"
    summary = "Leaked secrets: where they stand, since when, and who read them"
    trusted = True
    routes = (
        Route(
            path="", list=listing, summary="Findings, the worst first; by state, severity, assignee or source"
        ),
        Route(
            path="report",
            write=report,
            summary="Take a scanner's report: fingerprints and places, no secrets",
        ),
        Route(path="sources", list=list_sources, summary="What is scanned, and when it last was"),
        Route(
            path="source",
            read=read_source,
            write=ask_rescan,
            summary="When a source was scanned; a write asks its watcher for a scan",
        ),
        Route(
            path="{id}/exposure",
            read=show_exposure,
            summary="How long the secret was usable while exposed, and every identity that read it",
        ),
        Route(
            path="{id}", read=show, write=change, summary="A finding; its state, assignee, severity, notes"
        ),
    )
