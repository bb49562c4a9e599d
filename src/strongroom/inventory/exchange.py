"""The scanner's side door: the filter, the blinded evaluation, and what a found window belongs to."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from contextlib import suppress
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from msgspec import Meta

from strongroom.errors import InvalidRequest, RateLimited
from strongroom.framework import Context, Fields, Nothing, Response
from strongroom.inventory import house, indexing, known, references
from strongroom.inventory.fingerprints import Value
from strongroom.inventory.references import Reference
from strongroom.scanner.known import blinding

MOST = 1000  # points or rows in one request
STATUS_PATIENCE = 2.0  # seconds


class Evaluate(Fields, frozen=True):
    """Blinded points."""

    points: Annotated[list[str], Meta(max_length=MOST, description="x-coordinates, base64.")]


class Rows(Fields, frozen=True):
    """Rows of the filter that evaluated windows have."""

    rows: Annotated[list[str], Meta(max_length=MOST, description="id and proof, hex.")]


class Tokens(Fields, frozen=True):
    """Fingerprints of texts that are tokens of some server."""

    tokens: Annotated[list[str], Meta(max_length=MOST, description="fingerprints, hex.")]


async def read_filter(ctx: Context, req: Nothing) -> Response:
    """The public salt and the rows: truncated hashes, tags, ids."""
    from strongroom.scanner.known import search  # noqa: PLC0415 (numpy: servers that nobody asks need none)

    desk = house.desk(ctx)
    rows = await desk.settled()
    if not rows.made:
        rows.made = search.truncated(b"".join(rows.by_id.values()))
    return Response({"salt": desk.keys.salt.hex(), "rows": b64encode(rows.made).decode()})


async def evaluate(ctx: Context, req: Evaluate) -> Response:
    """Multiply each point with the index's number; the caller's hour is charged before they are looked at."""
    desk = house.desk(ctx)
    desk.guard.charge(ctx.caller, len(req.points))
    answers = await ctx.blocking(_multiplied, desk.keys.multiplier, req.points)
    return Response({"points": answers}, facts={"windows": len(answers)})


def _multiplied(key: EllipticCurvePrivateKey, points: list[str]) -> list[str]:
    try:
        decoded = [blinding.point(b64decode(text, validate=True)) for text in points]
    except (Base64Error, ValueError):
        raise InvalidRequest("field 'points': each is the x-coordinate of a point on P-256") from None
    return [b64encode(blinding.multiplied(key, point)).decode() for point in decoded]


async def read_rows(ctx: Context, req: Rows) -> Response:
    """What each row is a window of: only who evaluated the window can prove it."""
    await house.desk(ctx).settled()
    found = [await _row(ctx, row) for row in req.rows]
    return Response({"rows": found}, facts={"rows": len(found), "live": sum(map(bool, found))})


async def _row(ctx: Context, row: str) -> dict[str, Any] | None:
    id, proof = known.split(row) or ("", b"")
    value = await house.own(ctx).find(f"value/{id}", Value) if id else None
    if value is None or not hmac.compare_digest(value.proof, proof):
        return None
    held = [ref for owner, names in value.owners.items() for ref in await live(ctx, owner, names)]
    if not held:
        return None
    check = b64encode(value.check).decode()
    return {
        "before": value.before,
        "length": value.length,
        "check": check,
        "held_as": [ref.shown for ref in sorted(held)],
    }


async def read_tokens(ctx: Context, req: Tokens) -> Response:
    """Which of the fingerprints are tokens of this server that are good; the caller's hour is charged."""
    house.desk(ctx).guard.charge(ctx.caller, len(req.tokens))
    found = [await known.token(house.glance(ctx), fingerprint, ctx.now()) for fingerprint in req.tokens]
    names = [reference.shown if reference else None for reference in found]
    return Response({"tokens": names}, facts={"tokens": len(names), "live": sum(map(bool, names))})


async def live(ctx: Context, owner: str, names: tuple[str, ...]) -> list[Reference]:
    """What an owner holds that is usable now."""
    return await references.live(house.glance(ctx), house.core(ctx).mounts.values(), owner, names, ctx.now())


async def read_status(ctx: Context, req: Nothing) -> Response:
    """How many values the index has, seeks and is still to take in, and what this hour's scans asked."""
    desk = house.desk(ctx)
    with suppress(RateLimited):
        await desk.settled(STATUS_PATIENCE)
    changes = await _count(ctx, indexing.PENDING) + await _count(ctx, indexing.FRESH)
    return Response(
        {
            "values": await _count(ctx, "value/"),
            "searchable": len(desk.rows.by_id),
            "changes_left": changes,
            "windows_evaluated_this_hour": desk.guard.evaluated,
        }
    )


async def _count(ctx: Context, prefix: str) -> int:
    total, after = 0, ""
    while keys := await house.own(ctx).keys(prefix, after, 1000):
        total, after = total + len(keys), keys[-1]
    return total
