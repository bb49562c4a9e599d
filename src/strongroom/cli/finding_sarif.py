"""Reads other tools' SARIF into findings. Secrets in it (snippets) are hashed here and go no further.

Source: OASIS SARIF 2.1.0 §3.13, §3.14, §3.27. Size, results and text are bounded, whatever the file says.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from strongroom.errors import InvalidRequest
from strongroom.scanner.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 64 << 20
MAX_RESULTS = 50_000
MAX_RULES = 20_000
OURS = "strongroom/v1"
SECRET_IN_SNIPPET = frozenset({"gitleaks", "betterleaks"})
LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "low"}
SCORES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"))
COMMIT = {"commit": "commitSha", "author": "author", "email": "email", "date": "date"}


class Text(Struct, frozen=True):
    text: str = ""


class Rule(Struct, frozen=True, rename="camel"):
    id: str = ""
    name: str = ""
    help_uri: str = ""
    short_description: Text = Text()
    properties: dict[str, Any] = {}


class Driver(Struct, frozen=True):
    name: str = ""
    rules: list[Rule] = []


class Tool(Struct, frozen=True):
    driver: Driver = Driver()


class Artifact(Struct, frozen=True):
    uri: str = ""


class Region(Struct, frozen=True, rename="camel"):
    start_line: int = 0
    start_column: int = 0
    snippet: Text = Text()


class Physical(Struct, frozen=True, rename="camel"):
    artifact_location: Artifact = Artifact()
    region: Region = Region()


class Location(Struct, frozen=True, rename="camel"):
    physical_location: Physical = Physical()


class Result(Struct, frozen=True, rename="camel"):
    rule_id: str = ""
    level: str = ""
    locations: list[Location] = []
    partial_fingerprints: dict[str, str] = {}
    fingerprints: dict[str, str] = {}


class Run(Struct, frozen=True):
    tool: Tool = Tool()
    results: list[Result] = []


class Log(Struct, frozen=True):
    version: str
    runs: list[Run]


def is_sarif(document: bytes) -> bool:
    """Whether a JSON document says that it is SARIF."""
    try:
        return msgspec.json.decode(document, type=_Kind).runs is not msgspec.UNSET
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


class _Kind(Struct, frozen=True):
    runs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def findings(document: bytes, key: bytes) -> Iterator[dict[str, Any]]:
    """Findings as our own reports have them, places of one secret together. Raises InvalidRequest."""
    if len(document) > LARGEST:
        raise InvalidRequest(f"SARIF of more than {LARGEST >> 20} MiB is not taken")
    try:
        log = msgspec.json.decode(document, type=Log)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("this is no SARIF 2.1.0") from None
    if sum(len(run.results) for run in log.runs) > MAX_RESULTS:
        raise InvalidRequest(f"SARIF of more than {MAX_RESULTS:,} results is not taken")
    made: dict[tuple[str, str], dict[str, Any]] = {}
    for run in log.runs:
        tool = _word(run.tool.driver.name) or "sarif"
        rules = {rule.id: rule for rule in run.tool.driver.rules[:MAX_RULES]}
        for result in run.results:
            finding = _finding(tool, rules.get(result.rule_id, Rule()), result, key)
            known = made.setdefault((finding["detector"], finding["fingerprint"]), finding)
            if known is not finding:
                known["occurrences"] += finding["occurrences"]
    yield from made.values()


def _finding(tool: str, rule: Rule, result: Result, key: bytes) -> dict[str, Any]:
    ours = OURS in result.partial_fingerprints
    place = result.locations[0].physical_location if result.locations else Physical()
    return {
        "detector": _word(result.rule_id) if ours else f"{tool}:{_word(result.rule_id) or 'rule'}"[:200],
        "fingerprint": _fingerprint(tool, result, place, key),
        "name": (rule.short_description.text or rule.name or result.rule_id)[:300],
        "severity": _severity(rule, result),
        "docs": rule.help_uri[:500],
        "occurrences": [_place(result, location.physical_location) for location in result.locations[:100]],
    }


def _fingerprint(tool: str, result: Result, place: Physical, key: bytes) -> str:
    """Ours; of the secret where the tool gives it; else of what the tool knows it by, or of the place."""
    if OURS in result.partial_fingerprints:
        return _word(result.partial_fingerprints[OURS])
    secret = place.region.snippet.text.strip()
    if tool in SECRET_IN_SNIPPET and secret:
        return fingerprint(secret.encode("utf-8", "replace"), key)
    stable = {**result.partial_fingerprints, **result.fingerprints}
    known = sorted(f"{name}={value}" for name, value in stable.items() if name not in COMMIT.values())
    where = (place.artifact_location.uri, str(place.region.start_line))
    material = "\0".join((tool, result.rule_id, *(known or where)))
    return sha256(material.encode("utf-8", "replace")).hexdigest()[:32]


def _severity(rule: Rule, result: Result) -> str:
    try:
        score = float(rule.properties.get("security-severity", 0))
    except (TypeError, ValueError):
        score = 0.0
    named = next((name for least, name in SCORES if score >= least), "low" if score else "")
    return named or LEVELS.get(result.level, "medium")


def _place(result: Result, place: Physical) -> dict[str, Any]:
    known = result.partial_fingerprints
    made: dict[str, Any] = {
        "path": unquote(place.artifact_location.uri.removeprefix("file://"), errors="replace"),
        "line": max(0, place.region.start_line),
        "column": max(0, place.region.start_column),
    }
    return made | {name: known[theirs] for name, theirs in COMMIT.items() if known.get(theirs)}


def _word(text: str) -> str:
    """A name of bounded length without blanks or control characters."""
    return "".join(char if char.isalnum() or char in "._:-/" else "_" for char in text.strip())[:120].lower()
