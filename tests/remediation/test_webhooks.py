"""Webhooks: signed, retried, to allowed hosts only; one that does not answer holds nothing up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from tests.remediation.house import House
from tests.remediation.receiver import Receiver


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await House.begun(tmp_path / "data", outbound=("127.0.0.1", "hooks.example", "169.254.169.254"))
    yield made
    await made.stack.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://other.example/x",
        "https://user@hooks.example/",
        "ftp://127.0.0.1/",
        "https:///",
        "http://localhost/x",
        "https://hooks.example@other.example/",
        "http://2130706433/",
        "x",
    ],
)
async def test_addresses_that_are_not_allowed_are_refused(house: House, url: str) -> None:
    with pytest.raises(InvalidRequest):
        await house.write("incidents/webhooks/a", url=url)


async def test_a_key_is_made_and_shown_once(house: House) -> None:
    made = await house.write("incidents/webhooks/a", url="https://hooks.example/x")
    assert len(made["key"]) == 44
    assert "key" not in await house.read("incidents/webhooks/a")
    with pytest.raises(InvalidRequest, match="at least 16"):
        await house.write("incidents/webhooks/b", url="https://hooks.example/x", key="short")


async def test_a_delivery_that_fails_is_made_again_under_the_same_name(house: House) -> None:
    with Receiver(503, 302) as receiver:
        await house.write("incidents/webhooks/a", url=receiver.url, events="opened", severity="high")
        told = await house.report()
        incident = told["listed"][0]["incident"]
        names = set()
        for _ in range(3):
            await house.work()
            names.add((await asyncio.to_thread(receiver.until, "opened")).headers["X-Strongroom-Delivery"])
            house.clock.advance(60)
        assert len(names) == 1
        await house.work()
    timeline = (await house.read(f"incidents/{incident}"))["timeline"]
    assert [event["what"] for event in timeline] == ["opened", "told"]


async def test_one_that_never_answers_holds_nothing_up(house: House) -> None:
    await house.write("incidents/webhooks/a", url="http://127.0.0.1:1/x")
    await house.secret("kT7vQ2xLw9ZsB4nRy6HcJ1mD")
    told = await house.report(await house.row())
    incident = told["listed"][0]["incident"]
    await house.until(incident, "closed", step=5)
    for _ in range(20):
        await house.work()
        house.clock.advance(700)
    timeline = (await house.read(f"incidents/{incident}"))["timeline"]
    assert "could not be told (UpstreamFailed)" in {event["what"] for event in timeline}


async def test_a_name_that_leads_to_metadata_is_not_called(house: House) -> None:
    await house.write("incidents/webhooks/a", url="https://169.254.169.254/x", events="opened")
    told = await house.report()
    for _ in range(20):
        await house.work()
        house.clock.advance(700)
    timeline = (await house.read(f"incidents/{told['listed'][0]['incident']}"))["timeline"]
    assert timeline[-1]["what"] == "could not be told (UpstreamFailed)"


async def test_mild_incidents_are_told_to_nobody_who_wants_severe_ones(house: House) -> None:
    with Receiver() as receiver:
        await house.write("incidents/webhooks/a", url=receiver.url, severity="critical")
        await house.report(finding={"severity": "high"})
        await house.work()
        assert receiver.told.empty()
