"""Incidents: a leaked value is replaced, proved dead and closed; nobody approves their own; people are waited for."""

import pytest

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.findings.record import Finding
from strongroom.framework import Operation
from tests.remediation.house import SOURCE, House

VALUE = "kT7vQ2xLw9ZsB4nRy6HcJ1mD"


async def leak(house: House, *, plan: bool = True) -> str:
    await house.secret(VALUE, plan=plan)
    told = await house.report(await house.row())
    incident: str = told["listed"][0]["incident"]
    return incident


async def test_a_leaked_value_is_rotated_proved_dead_and_closed(house: House) -> None:
    incident = await leak(house)
    await house.until(incident, "contained")
    house.clock.advance(1)
    await house.write("findings/report", source=SOURCE, scan="again", coverage="history", findings=[])
    shown = await house.until(incident, "closed")
    outcomes = {step["step"]: step["outcome"] for step in shown["steps"]}
    assert outcomes == dict.fromkeys(
        ("match", "live", "rotate", "notify", "verify_dead", "rescan", "close"), "done"
    )
    assert shown["rotations"][0]["state"] == "over"
    current = await house.read("kv/data/app/db")
    assert current["metadata"]["version"] == 2
    assert current["data"]["password"] != VALUE
    finding = await house.read(f"findings/{shown['findings'][0]}")
    assert (finding["state"], finding["severity"]) == ("resolved", "low")


async def test_a_scan_that_does_not_come_is_not_waited_for_for_ever(house: House) -> None:
    shown = await house.until(await leak(house), "closed", step=5)
    assert {step["step"]: step["outcome"] for step in shown["steps"]}["rescan"] == "skipped"
    source = await house.read("findings/source", source=SOURCE)
    assert source["scan_wanted"] is not None


async def test_findings_of_one_version_share_an_incident(house: House) -> None:
    incident = await leak(house)
    told = await house.report(await house.row(), fingerprint="e" * 32)
    assert told["listed"][0]["incident"] == incident
    assert len((await house.read(f"incidents/{incident}"))["findings"]) == 2


async def test_a_secret_without_a_plan_waits_for_people(house: House) -> None:
    incident = await leak(house, plan=False)
    shown = await house.until(incident, "by_hand")
    assert (shown["waiting_for"], "No rotation plan" in shown["to_do"]) == ("rotate", True)
    with pytest.raises(InvalidRequest, match="it waits for 'rotate'"):
        await house.write(f"incidents/{incident}/done", step="close", text="so it is")
    await house.write(f"incidents/{incident}/done", step="rotate", text="made another")
    shown = await house.until(incident, "by_hand")
    assert shown["waiting_for"] == "verify_dead"
    await house.write("kv/destroy/app/db", versions=[1])
    shown = await house.until(incident, "closed", step=30)
    assert "destroyed" in next(s["text"] for s in shown["steps"] if s["step"] == "verify_dead")


async def test_moving_the_mount_ends_no_leak(house: House) -> None:
    incident = await leak(house, plan=False)
    await house.until(incident, "by_hand")
    await house.write("sys/remount", **{"from": "kv/", "to": "moved/"})
    await house.write(f"incidents/{incident}/done", step="rotate", text="made another")
    shown = await house.until(incident, "by_hand")
    assert shown["waiting_for"] == "verify_dead"
    (window,) = (await house.read(f"findings/{shown['findings'][0]}/exposure"))["windows"]
    assert window["usable_until"] is None
    await house.write("moved/destroy/app/db", versions=[1])
    await house.until(incident, "closed", step=30)


async def test_what_people_say_is_recorded_as_said(house: House) -> None:
    told = await house.report(finding={"playbook": "stripe"})
    incident = told["listed"][0]["incident"]
    await house.person("ann")
    await house.write(f"incidents/{incident}/run", "ann")
    await house.until(incident, "by_hand")
    await house.write(f"incidents/{incident}/done", "ann", step="rotate", text="rolled it")
    shown = await house.until(incident, "by_hand")
    assert shown["waiting_for"] == "verify_dead"
    await house.write(f"incidents/{incident}/done", "ann", step="verify_dead", text="tried it")
    shown = await house.until(incident, "closed", step=10)
    step = next(s for s in shown["steps"] if s["step"] == "verify_dead")
    assert (step["outcome"], step["text"], step["who"]) == (
        "by_hand",
        "tried it (said, not checked)",
        "userpass-ann",
    )


async def test_a_live_check_that_says_dead_ends_the_wait(house: House) -> None:
    told = await house.report(finding={"playbook": "stripe"})
    incident = told["listed"][0]["incident"]
    await house.write(f"incidents/{incident}/run")
    await house.until(incident, "by_hand")
    await house.write(f"incidents/{incident}/done", step="rotate", text="rolled it")
    await house.until(incident, "by_hand")
    await house.report(finding={"validity": "dead"})
    assert (await house.until(incident, "contained", step=61))["contained"] is not None


@pytest.mark.parametrize("requester", ["ann", "her child", ""])
async def test_nobody_approves_what_they_asked_for(house: House, requester: str) -> None:
    await house.person("ann")
    await house.person("bob")
    await house.child("ann", "her child")
    await house.write("incidents/config", modes={"critical": "approval"})
    incident = await leak(house)
    await house.write(f"incidents/{incident}/run", requester)
    for who in {"ann", "her child"} if requester else {""}:
        with pytest.raises(PermissionDenied, match="cannot approve"):
            await house.write(f"incidents/{incident}/approve", who)
    assert (await house.read(f"incidents/{incident}"))["state"] == "approval"
    await house.write(f"incidents/{incident}/approve", "bob", reason="seen it")
    shown = await house.until(incident, "contained")
    assert [each["who"] for each in shown["approvals"]] == ["userpass-bob"]


async def test_the_reporter_is_the_opener_and_cannot_approve(house: House) -> None:
    await house.person("ann")
    await house.write("incidents/config", modes={"critical": "approval"})
    await house.secret(VALUE)
    told = await house.report(await house.row(), who="ann")
    with pytest.raises(PermissionDenied):
        await house.write(f"incidents/{told['listed'][0]['incident']}/approve", "ann")


async def test_a_token_without_origin_cannot_approve(house: House) -> None:
    await house.person("ann")
    answer = await house.answer(Operation.WRITE, "auth/token/create-orphan", "ann", policies=["all"])
    assert answer.auth is not None
    assert answer.auth.client_token is not None
    house.tokens["orphan"] = answer.auth.client_token.reveal()
    await house.write("incidents/config", modes={"critical": "approval"})
    incident = await leak(house)
    with pytest.raises(PermissionDenied, match="without a login"):
        await house.write(f"incidents/{incident}/approve", "orphan")


async def test_a_claim_without_proof_rotates_nothing(house: House) -> None:
    await house.secret(VALUE)
    row = await house.row()
    wrong = row[:-2] + ("00" if row[-2:] != "00" else "11")
    told = await house.report(wrong, "secret/app/db version 1", "")
    assert told["listed"][0]["secrets"] == []
    await house.work()
    with pytest.raises(NotFound):
        await house.list("rotation/rotations")


async def test_a_version_that_a_rotation_retired_is_not_rotated_again(house: House) -> None:
    first = await leak(house)
    await house.until(first, "closed", step=5)
    told = await house.report(await house.row(), fingerprint="d" * 32)
    second = told["listed"][0]["incident"]
    shown = await house.until(second, "closed", step=5)
    assert next(s for s in shown["steps"] if s["step"] == "rotate")["outcome"] == "skipped"
    assert (await house.read("kv/data/app/db"))["metadata"]["version"] == 2


async def test_containment_goes_on_after_a_restart_at_any_step(house: House) -> None:
    incident = await leak(house)
    for _ in range(60):
        for leg in await house.workers.turn():
            await leg
        await house.write("sys/seal")
        await house.unseal()
        house.clock.advance(2)
        if (await house.read(f"incidents/{incident}"))["state"] == "closed":
            break
    shown = await house.until(incident, "closed", step=5)
    names = [step["step"] for step in shown["steps"] if step["outcome"]]
    assert names == ["match", "live", "rotate", "notify", "verify_dead", "rescan", "close"]
    assert (await house.read("kv/data/app/db"))["metadata"]["version"] == 2


async def test_mild_findings_open_nothing(house: House) -> None:
    told = await house.report(finding={"severity": "medium"})
    assert told["listed"][0]["incident"] == ""
    opened = await house.write("incidents/open", finding=told["listed"][0]["id"][:6], playbook="by-hand")
    assert opened["playbook"] == "by-hand"
    with pytest.raises(InvalidRequest, match="is open for this finding"):
        await house.write("incidents/open", finding=told["listed"][0]["id"])
    with pytest.raises(InvalidRequest, match="say why"):
        await house.write(f"incidents/{opened['id']}/close")
    await house.write(f"incidents/{opened['id']}/close", reason="a drill")
    assert (await house.list("incidents", state="closed"))["keys"] == [opened["id"]]


def test_a_finding_has_no_room_for_a_secret() -> None:
    assert not {"secret", "excerpt", "value", "message"} & set(Finding.__struct_fields__)
