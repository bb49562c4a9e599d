"""gitleaks' names of what our detectors find, so that its ignore files and baselines still hold."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strongroom.scanner.detector import Detector

GENERIC = "generic-api-key"
_KINDS = (("private_key", "private-key"), ("jwt", "jwt"))


@cache
def _table() -> dict[str, str]:
    lines = Path(__file__).with_name("gitleaks_names.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {ours: theirs for ours, _, theirs in pairs}


def rule_id(detector: Detector) -> str:
    """The rule that gitleaks would name; a rule of its own configuration keeps its name."""
    if "." not in detector.id:
        return detector.id
    if found := _table().get(detector.id):
        return found
    if detector.provider in ("generic", "pem"):
        return next((rule for part, rule in _KINDS if part in detector.id), GENERIC)
    return detector.id.replace(".", "-").replace("_", "-")
