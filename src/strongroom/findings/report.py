"""What a scanner sends: findings without secrets or excerpts, in batches of bounded size."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from strongroom.findings.record import Severity, Validity
from strongroom.framework import Fields

MAX_FINDINGS = 500
MAX_PLACES = 200

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=1000)]
Path = Annotated[str, Meta(max_length=4096)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Line = Annotated[int, Meta(ge=0, le=2**40)]


class ReportedPlace(Struct, frozen=True, kw_only=True):
    """One occurrence; what the scanner does not know is left out."""

    path: Path = ""
    inside: Annotated[tuple[Path, ...], Meta(max_length=20)] = ()
    line: Line = 0
    column: Line = 0
    commit: Annotated[str, Meta(max_length=128)] = ""
    author: Annotated[str, Meta(max_length=300)] = ""
    email: Annotated[str, Meta(max_length=300)] = ""
    date: Annotated[str, Meta(max_length=40)] = ""
    field: Annotated[str, Meta(max_length=300)] = ""
    owners: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()


class Reported(Struct, frozen=True, kw_only=True):
    """One finding. `known` are the rows of the fingerprint index that its value was found in."""

    detector: Name
    fingerprint: Annotated[str, Meta(min_length=16, max_length=128, pattern=r"^[\x21-\x7e]+$")]
    name: Annotated[str, Meta(max_length=300)] = ""
    severity: Severity = "medium"
    confidence: Literal["low", "medium", "high"] = "medium"
    validity: Validity = "unknown"
    reach: Annotated[dict[Name, Text], Meta(max_length=20)] = {}
    advice: Text = ""
    docs: Text = ""
    playbook: Annotated[str, Meta(max_length=100)] = ""
    known: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=50)] = ()
    occurrences: Annotated[tuple[ReportedPlace, ...], Meta(max_length=MAX_PLACES)] = ()
    unlisted: Count = 0


class Report(Fields, frozen=True):
    """A batch of one scan.

    `source` names what was scanned, the same each time. Batches of one scan share `scan`; the last
    says what all of them cover: a part of the source, its whole `history`, or its whole `tree` of
    files, and what was in these and is not seen again is then gone.
    """

    source: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
    scan: Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-zA-Z_-]*$")] = ""
    public: bool = False
    coverage: Literal["part", "tree", "history"] = "part"
    findings: Annotated[tuple[Reported, ...], Meta(max_length=MAX_FINDINGS)] = ()
