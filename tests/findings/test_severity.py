"""Severity is the detector's, moved by facts, with the reasons."""

import pytest

from strongroom.findings.severity import Known, weigh

PRODUCTION = ({"environment": "Production"},)


@pytest.mark.parametrize(
    ("known", "severity"),
    [
        (Known("high"), "high"),
        (Known("high", validity="dead", public=True), "low"),
        (Known("critical", validity="canary"), "low"),
        (Known("medium", validity="live"), "high"),
        (Known("high", public=True), "critical"),
        (Known("critical", public=True, validity="live"), "critical"),
        (Known("high", "low"), "medium"),
        (Known("low", "low"), "low"),
        (Known("medium", facts=PRODUCTION), "high"),
        (Known("high", facts=({"environment": "dev"},)), "medium"),
        (Known("high", facts=({"environment": "dev"}, {"environment": "prod"})), "critical"),
        (Known("medium", facts=({"classification": "restricted"},)), "high"),
        (Known("medium", held=("kv/a version 1",)), "high"),
        (Known("critical", retired=True), "low"),
        (Known("medium", reach={"scopes": "repo,admin:org"}), "high"),
    ],
)
def test_facts_move_the_severity(known: Known, severity: str) -> None:
    weighed = weigh(known)
    assert weighed.severity == severity
    assert weighed.reasons[0] == f"the detector says {known.reported}"
    assert len(weighed.reasons) > 1 or severity == known.reported
