"""The Grafana dashboard asks only for metrics, labels and outcomes that this release has."""

import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from strongroom import errors
from strongroom.api.errors import status_of
from strongroom.api.exchange import Call, Headers
from strongroom.clock import FakeClock
from strongroom.server.assembly import open_house
from strongroom.server.config import Config, Storage
from strongroom.server.dev import open_for_development
from strongroom.server.log import OperatorLog

TARGET_LABELS = {"job", "instance"}
"""What Prometheus adds to every series that it scrapes."""
SELDOM: dict[str, set[str]] = {
    "strongroom_audit_device_lag": {"device"},
    "strongroom_audit_device_failures": {"device"},
    "strongroom_seal_healthy": {"seal"},
    "strongroom_backup_last_success_timestamp_seconds": set(),
    "strongroom_backup_size_bytes": set(),
    "strongroom_backup_failures": set(),
    "strongroom_backup_overdue": set(),
}
"""Labels of metrics that have no series without audit devices, key services and scheduled backups."""
SERIES = re.compile(r"\b((?:strongroom|process)_\w+)(?:\{([^}]*)\})?")
BY = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    root = Path(__file__).parent.parent.parent
    return dict(json.loads((root / "deploy/grafana/strongroom.json").read_text("utf-8")))


def _questions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


async def _served() -> dict[str, set[str]]:
    """Every series that a server has after one request, with its labels."""
    found = {name: set(labels) for name, labels in SELDOM.items()}
    async with AsyncExitStack() as stack:
        house = await open_house(
            Config(storage=Storage(kind="memory")), FakeClock(), OperatorLog(level="error"), stack
        )
        await open_for_development(house.core.handle, "root")
        call = Call("GET", b"/v1/sys/metrics", b"", Headers({"x-vault-token": "root"}))
        text = (await house.api.answer(call)).body.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    assert all(f"# TYPE {name} " in text for name in SELDOM)
    return found


async def test_every_metric_and_label_exists(dashboard: dict[str, Any]) -> None:
    served = await _served()
    for question in _questions(dashboard):
        named = SERIES.findall(question)
        assert named, question
        known = set(TARGET_LABELS)
        for name, selected in named:
            assert name in served, question
            known |= served[name]
            assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= served[name] | TARGET_LABELS, question
        grouped = {label.strip() for labels in BY.findall(question) for label in labels.split(",")}
        assert grouped <= known, question


async def test_every_metric_of_ours_is_shown(dashboard: dict[str, Any]) -> None:
    shown = " ".join(_questions(dashboard))
    ours = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in await _served()}
    assert [name for name in ours if name.startswith("strongroom_") and name not in shown] == []


def test_what_callers_cause_is_what_is_answered_below_500(dashboard: dict[str, Any]) -> None:
    (variable,) = [one for one in dashboard["templating"]["list"] if one["name"] == "theirs"]
    theirs = set(variable["query"].split("|")) - {"ok"}
    tree = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.StrongroomError)
    ]
    assert theirs == {kind.__name__ for kind in tree if status_of(kind.__new__(kind)) < 500}


def test_panels_are_numbered_once_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(x + place["x"], y + place["y"]) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
