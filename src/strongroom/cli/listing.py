"""Names as a listing answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors

if TYPE_CHECKING:
    from strongroom.cli.session import Session


def show_keys(session: Session, data: dict[str, Any], *, detailed: bool = False) -> int:
    """Print `keys`, with `key_info` when wanted and there; exit 1 when there are none."""
    keys = [str(key) for key in data.get("keys") or []]
    described = data.get("key_info") or {}
    if detailed and described:
        titles = sorted({title for key in keys for title in described.get(key, {})})
        session.output.rows(
            [{"name": key, **{title: described.get(key, {}).get(title) for title in titles}} for key in keys]
        )
    else:
        session.output.names(keys)
    return errors.OK if keys else errors.NEGATIVE
