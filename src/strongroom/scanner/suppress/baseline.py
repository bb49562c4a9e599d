"""Baselines: the secrets that were known when a gate was put up, so that only new ones stop it.

Ours is JSON: a list of fingerprints with places for readers and what a person
made of each. Another scanner's file is read as well, wherever it tells enough
to know a secret again: detect-secrets' by SHA-1, gitleaks' by the secret
itself, our own JSON and SARIF reports by fingerprint.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.errors import InvalidRequest
from strongroom.scanner.fingerprint import fingerprint

if TYPE_CHECKING:
    from strongroom.scanner.finding import Finding, Report

VERSION = 1
STATUSES = ("unreviewed", "secret", "false_positive", "test")
PLACES = 3  # listed for readers


class Known(NamedTuple):
    """One known secret; `status` is what an audit made of it, `note` why."""

    fingerprint: str
    detector: str
    name: str
    places: tuple[str, ...]
    status: str = "unreviewed"
    note: str = ""
    since: str = ""


class Baseline:
    """What a baseline file knows, by fingerprint or by SHA-1 of the secret."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fingerprints: set[str] = set()
        self.sha1: set[str] = set()
        self.unreadable = 0

    def explains(self, found: Finding) -> str:
        """Why `found` is known; "" when it is not."""
        known = found.fingerprint in self.fingerprints
        if not known and self.sha1:
            digest = hashlib.sha1(found.secret, usedforsecurity=False).hexdigest()
            known = digest in self.sha1
        return f"baseline {self.path}" if known else ""


def read(path: str, key: bytes) -> Baseline:
    """Read a baseline of any of the known kinds. Raises InvalidRequest for another file."""
    document = _json(path)
    found = Baseline(path)
    if isinstance(document, list):
        _gitleaks(found, document, key)
    elif "plugins_used" in document and "results" in document:
        for results in document["results"].values():
            found.sha1 |= {result["hashed_secret"] for result in results}
    elif "strongroom_baseline" in document:
        found.fingerprints = {known.fingerprint for known in load(path, key)}
    elif "findings" in document:
        found.fingerprints = {finding["fingerprint"] for finding in document["findings"]}
    elif "runs" in document:
        found.fingerprints = {
            result.get("partialFingerprints", {}).get("strongroom/v1", "")
            for run in document["runs"]
            for result in run.get("results", ())
        }
    else:
        raise InvalidRequest(f"{path}: no baseline: not ours, detect-secrets' or gitleaks'")
    return found


def _gitleaks(found: Baseline, findings: list[Any], key: bytes) -> None:
    for finding in findings:
        if not isinstance(finding, dict) or "Secret" not in finding:
            raise InvalidRequest(f"{found.path}: a list, but not of gitleaks findings")
        secret = str(finding["Secret"])
        if secret == "REDACTED" or secret.endswith("..."):
            raise InvalidRequest(
                f"{found.path}: its secrets are redacted, so they cannot be known again;"
                " make one with `strongroom baseline create`, or use `strongroom gitleaks`"
            )
        found.fingerprints.add(fingerprint(secret.encode(), key))


def _json(path: str) -> Any:
    try:
        document = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidRequest(f"{path}: not JSON") from error
    if not isinstance(document, dict | list):
        raise InvalidRequest(f"{path}: no baseline")
    return document


def load(path: str, key: bytes) -> list[Known]:
    """Read our own baseline in full. Raises InvalidRequest when it was made under another key."""
    document = _json(path)
    if not isinstance(document, dict) or document.get("strongroom_baseline") != VERSION:
        raise InvalidRequest(f"{path}: not a baseline of `strongroom baseline`, version {VERSION}")
    if document.get("key") != key_name(key):
        raise InvalidRequest(f"{path}: made with another fingerprint key; name it with --fingerprint-key")
    return [
        Known(
            str(entry["fingerprint"]),
            str(entry.get("detector", "")),
            str(entry.get("name", "")),
            tuple(entry.get("places", ())),
            str(entry.get("status", "unreviewed")),
            str(entry.get("note", "")),
            str(entry.get("since", "")),
        )
        for entry in document["findings"]
    ]


def save(path: str, known: list[Known], key: bytes) -> None:
    """Write our baseline, in an order that makes small differences."""
    document = {
        "strongroom_baseline": VERSION,
        "key": key_name(key),
        "findings": [
            {k: v for k, v in entry._asdict().items() if v}
            for entry in sorted(known, key=lambda k: (k.places, k.detector, k.fingerprint))
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        Path(path).write_text(text + "\n", "utf-8")
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from error


def merge(report: Report, before: list[Known], today: str) -> list[Known]:
    """What is there now; what an audit said of it before stays."""
    old = {known.fingerprint: known for known in before}
    merged: dict[str, Known] = {}
    for found in report.findings:
        places = tuple(dict.fromkeys(f"{o.provenance.shown}:{o.line}" for o in found.occurrences[:PLACES]))
        known = old.get(found.fingerprint)
        fresh = Known(found.fingerprint, found.detector.id, found.detector.name, places, since=today)
        if known:
            fresh = fresh._replace(status=known.status, note=known.note, since=known.since)
        merged.setdefault(found.fingerprint, fresh)
    return list(merged.values())


def key_name(key: bytes) -> str:
    """What tells fingerprint keys apart without telling them."""
    return hmac.digest(key, b"name of this key", "sha256")[:4].hex()
