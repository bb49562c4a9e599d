"""Playbooks are data: those that detectors name exist, and nonsense is refused."""

import tomllib
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest, NotFound
from strongroom.remediation.playbook import built_in, grace_of, parse
from tests.remediation.house import House

TEXT = 'title = "Ours"\nmode = "manual"\n[[step]]\ndo = "match"\n[[step]]\ndo = "close"\n'


def test_every_playbook_that_a_detector_names_is_there(repository: Path) -> None:
    files = (repository / "src/strongroom/scanner/detectors").glob("*.toml")
    tables = (tomllib.loads(file.read_text("utf-8")) for file in files)
    named = {each["playbook"] for table in tables for each in table["detector"] if each.get("playbook")}
    assert named
    assert named <= set(built_in())


@pytest.mark.parametrize("name", sorted(built_in()))
def test_a_playbook_that_rotates_says_what_people_do_otherwise(name: str) -> None:
    for step in built_in()[name].step:
        assert step.do not in ("rotate", "verify_dead", "by_hand") or step.text


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "title = ",
        'title = "x"',
        TEXT + '[[step]]\ndo = "rotate"\n',
        TEXT.replace("close", "shutdown"),
        TEXT.replace('do = "match"', 'do = "by_hand"'),
        TEXT.replace('do = "match"', 'do = "close"'),
        TEXT.replace('do = "match"', 'do = "match"\ncommand = "rm"'),
        TEXT.replace('do = "match"', 'do = "match"\nwait = -1'),
        'title = "x"\n[[step]]\ndo = "verify_dead"\n[[step]]\ndo = "rotate"\n[[step]]\ndo = "close"\n',
        "x = " + "[" * 5000,
        TEXT + "#" * (1 << 17),
    ],
)
def test_nonsense_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidRequest):
        parse(wrong)


def test_the_grace_of_the_next_milder_severity_counts() -> None:
    made = parse(TEXT.replace("[[step]]", "[grace]\nhigh = 60\nlow = 900\n[[step]]", 1))
    assert [grace_of(made, s) for s in ("low", "medium", "high", "critical")] == [900, 900, 60, 60]


async def test_ones_own_playbook_wins_until_it_is_deleted(house: House) -> None:
    await house.write("incidents/playbooks/stripe", text=TEXT)
    assert (await house.read("incidents/playbooks/stripe"))["own"]
    told = await house.report(finding={"playbook": "stripe"})
    shown = await house.read(f"incidents/{told['listed'][0]['incident']}")
    assert [step["step"] for step in shown["steps"]] == ["match", "close"]
    await house.answer_delete("incidents/playbooks/stripe")
    assert not (await house.read("incidents/playbooks/stripe"))["own"]
    with pytest.raises(NotFound):
        await house.read("incidents/playbooks/nothing-such")
