"""Findings: one for each secret, merged from reports, opened again only for a reason."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from strongroom.errors import InvalidRequest, NotFound
from tests.remediation.house import SOURCE, House

VALUE = "kT7vQ2xLw9ZsB4nRy6HcJ1mD"
QUIET = {"severity": "medium"}


async def only(house: House, **more: Any) -> Any:
    told = await house.report(finding=QUIET, **more)
    return await house.read(f"findings/{told['listed'][0]['id']}")


def texts(answer: Any) -> Iterator[str]:
    """Every text in an answer, names of members too."""
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, list | dict):
        for each in answer if isinstance(answer, list) else chain.from_iterable(answer.items()):
            yield from texts(each)


async def test_the_same_report_again_changes_nothing(house: House) -> None:
    first = await only(house)
    again = await only(house)
    assert {**first, "last_seen": ""} == {**again, "last_seen": ""}
    other = await only(house, place={"path": "other.txt"})
    assert other["id"] == first["id"]
    assert len(other["occurrences"]) == 2


async def test_another_secret_or_detector_is_another_finding(house: House) -> None:
    first = await only(house)
    assert (await only(house, fingerprint="a" * 32))["id"] != first["id"]
    told = await house.report(finding={**QUIET, "detector": "other.key"})
    assert told["new"] == 1


async def test_a_new_place_opens_a_resolved_finding_and_history_does_not(house: House) -> None:
    finding = await only(house)
    await house.write(f"findings/{finding['id']}", state="resolved")
    assert (await only(house))["state"] == "resolved"
    assert (await only(house, place={"line": 9}))["state"] == "resolved"
    again = await only(house, place={"commit": "beef"})
    assert (again["state"], again["reopened"]) == ("open", 1)
    assert [event["what"] for event in again["timeline"]] == ["found", "resolved", "regression"]


async def test_a_resolved_secret_that_is_live_opens_again(house: House) -> None:
    finding = await only(house)
    await house.write(f"findings/{finding['id']}", state="resolved")
    await house.report(finding={**QUIET, "validity": "live"})
    assert (await house.read(f"findings/{finding['id']}"))["state"] != "resolved"


async def test_an_ignored_finding_rests_until_its_time_is_over(house: House) -> None:
    finding = await only(house)
    with pytest.raises(InvalidRequest, match="say why"):
        await house.write(f"findings/{finding['id']}", state="ignored")
    await house.write(f"findings/{finding['id']}", state="ignored", reason="test data", ttl="1h")
    assert (await only(house, place={"commit": "beef"}))["state"] == "ignored"
    house.clock.advance(3601)
    assert (await only(house))["state"] == "open"


async def test_what_a_whole_tree_no_longer_holds_is_gone(house: House) -> None:
    finding = await only(house, scan="one", place={"commit": ""})
    told = await house.write("findings/report", source=SOURCE, scan="two", coverage="tree", findings=[])
    assert told["gone"] == 1
    shown = await house.read(f"findings/{finding['id']}")
    assert shown["occurrences"][0]["gone"]
    await house.write(f"findings/{finding['id']}", state="resolved")
    assert (await only(house, scan="three", place={"commit": ""}))["state"] == "open"


async def test_places_are_bounded_and_counted(house: House) -> None:
    for first in range(0, 300, 100):
        places = [{"path": f"f{n}", "line": 1} for n in range(first, first + 100)]
        told = await house.write(
            "findings/report",
            source=SOURCE,
            findings=[{"detector": "d.k", "fingerprint": "1" * 32, "occurrences": places}],
        )
    shown = await house.read(f"findings/{told['listed'][0]['id']}")
    assert len(shown["occurrences"]) == 100
    assert shown["places"] >= 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"fingerprint": ""},
        {"fingerprint": "with space and more text"},
        {"severity": "huge"},
        {"occurrences": [{"line": -1}]},
        {"occurrences": [{"path": "x" * 5000}]},
        {"occurrences": [{"path": "x"}] * 201},
        {"reach": {str(n): "x" for n in range(21)}},
        {"known": ["x"] * 51},
    ],
)
async def test_hostile_reports_are_refused_whole(house: House, wrong: dict[str, Any]) -> None:
    finding = {"detector": "d.k", "fingerprint": "1" * 32, **wrong}
    with pytest.raises(InvalidRequest):
        await house.write("findings/report", source=SOURCE, findings=[finding])
    with pytest.raises(NotFound):
        await house.list("findings", state="all")


async def test_excerpts_and_secrets_that_are_sent_all_the_same_are_dropped(house: House) -> None:
    told = await house.report(finding={**QUIET, "secret": VALUE}, place={"excerpt": VALUE, "message": VALUE})
    shown = await house.read(f"findings/{told['listed'][0]['id']}")
    assert VALUE not in str(shown)
    for segment in (house.data / "audit").glob("*.jsonl"):
        assert VALUE.encode() not in segment.read_bytes()


async def test_owner_and_severity_follow_what_the_inventory_knows(house: House) -> None:
    await house.secret(VALUE, plan=False)
    facts = {"owner": "ann@example.com", "environment": "test", "classification": "public"}
    await house.write("kv/metadata/app/db", custom_metadata=facts)
    told = await house.report(
        await house.row(),
        finding={"severity": "high"},
        place={"owners": ["@team"], "email": "bob@example.com", "date": "2020-01-01T00:00:00Z"},
    )
    shown = await house.read(f"findings/{told['listed'][0]['id']}")
    assert [each["who"] for each in shown["suggested_owners"]] == [
        "ann@example.com",
        "@team",
        "bob@example.com",
    ]
    assert shown["severity"] == "medium"
    assert "environment test (-)" in shown["severity_reasons"]


async def test_a_severity_set_by_hand_stays(house: House) -> None:
    finding = await only(house)
    await house.write(f"findings/{finding['id']}", severity="low", assignee="ann", note="seen")
    shown = await only(house)
    assert (shown["severity"], shown["assignee"]) == ("low", "ann")
    await house.write(f"findings/{finding['id']}", severity="")
    assert (await only(house))["severity"] == "medium"


async def test_listings_are_by_state_the_worst_first(house: House) -> None:
    for number, severity in enumerate(("low", "medium")):
        await house.report(fingerprint=str(number) * 32, finding={"severity": severity})
    listed = await house.list("findings")
    assert [listed["key_info"][id]["severity"] for id in listed["keys"]] == ["medium", "low"]
    page = await house.list("findings", limit=1)
    rest = await house.list("findings", limit=1, after=page["next"])
    assert page["keys"] + rest["keys"] == listed["keys"]
    with pytest.raises(NotFound):
        await house.list("findings", state="resolved")


async def test_a_beginning_that_fits_two_findings_names_none(house: House) -> None:
    with pytest.raises(NotFound):
        await house.read("findings/0000")
    finding = await only(house)
    assert (await house.read(f"findings/{finding['id'][:5]}"))["id"] == finding["id"]
    with pytest.raises(NotFound):
        await house.read(f"findings/{finding['id'][:3]}")


async def test_what_a_report_calls_things_cannot_look_like_something_else(house: House) -> None:
    """File names, authors and rules come from whoever commits: none may write over a line, or add one."""
    evil = "x\x1b[2J\nclosed  false_positive\x9b"
    told = await house.report(
        finding={"name": evil, "advice": evil, "docs": evil, "reach": {evil: evil}},
        place={"path": evil, "author": evil, "email": evil, "field": evil, "owners": [evil]},
    )
    shown = await house.read(f"findings/{told['listed'][0]['id']}")
    places = [place.pop("path") for place in shown["occurrences"]]
    assert places == [evil]  # the file is called so
    assert [text for text in texts(shown) if not text.isprintable()] == []
    assert shown["name"] == "x\\x1b[2J\\nclosed  false_positive\\x9b"
    with pytest.raises(InvalidRequest, match="source"):
        await house.write("findings/report", source="a\nb", findings=[])
