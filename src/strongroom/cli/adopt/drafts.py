"""What is to be adopted: each secret once, with a path and field, and every place where it stands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from strongroom.cli import dotenv, errors
from strongroom.cli.errors import Failure
from strongroom.cli.references import PREFIX

if TYPE_CHECKING:
    from strongroom.scanner.finding import Finding, Occurrence

MAX_FILE = 16 << 20
_ODD = re.compile(r"[^\w.-]+", re.ASCII)


class Spot(NamedTuple):
    """A place: bytes `start` to `end` of a file hold `text`; b"" when the value is encoded there."""

    file: str
    shown: str
    start: int
    end: int
    text: bytes

    def __repr__(self) -> str:
        return f"Spot({self.shown})"


class Draft(NamedTuple):
    """A secret on its way to `field` of the secret at `path`."""

    path: str
    field: str
    value: str
    kind: str
    spots: tuple[Spot, ...]

    def __repr__(self) -> str:
        return f"Draft({self.path}, {self.field}, {len(self.spots)} places)"


def found_in_files(findings: Iterable[Finding], to: str, root: str) -> tuple[list[Draft], list[str]]:
    """Drafts of a scan's findings, and what is no text and stays where it is.

    Each file becomes a secret below `to`; with no `root` they all go into `to` itself.
    """
    drafts: list[Draft] = []
    odd: list[str] = []
    for finding in findings:
        first = finding.occurrences[0]
        try:
            value = _meant(finding.secret.decode(), first)
        except ValueError:
            odd.append(f"{first.provenance.shown}:{first.line}: the {finding.detector.name} is no text")
            continue
        path = f"{to}/{_below(first.provenance.path, root)}" if root else to
        spots = tuple(_spot(place, finding.secret) for place in finding.occurrences)
        drafts.append(Draft(path, _field(finding, first), value, finding.detector.id, spots))
    return drafts, odd


def _meant(text: str, place: Occurrence) -> str:
    """The value that a text in double quotes stands for. Raises ValueError."""
    quoted = place.excerpt[max(0, place.mark - 1) : place.mark] == b'"'
    return str(json.loads(f'"{text}"', strict=False)) if quoted and "\\" in text else text


def _field(finding: Finding, place: Occurrence) -> str:
    """The name beside the value, else the detector's; a password within a URL is named so."""
    kind = finding.detector.id.rpartition(".")[2]
    name = _segment(place.name.rpartition(".")[2])
    return f"{name}_password" if name and kind == "url_credentials" else name or kind


def found_in_dotenv(file: str, to: str, only: Iterable[str]) -> list[Draft]:
    """Drafts of a dotenv file's variables, or of some. Raises Failure."""
    text = text_of(file)
    wanted = set(only)
    variables = {one.name: one for one in dotenv.parsed(text, file)}
    missing = sorted(wanted - set(variables))
    if missing:
        raise Failure(
            errors.USAGE, f"{file} has no {', '.join(missing)}", errors.near(missing[0], list(variables))
        )
    return [
        Draft(to, one.name, one.value, "variable", (_variable_spot(file, text, one),))
        for one in variables.values()
        if one.value and PREFIX not in one.value and (not wanted or one.name in wanted)
    ]


def text_of(file: str) -> str:
    """A file's text, line ends and all. Raises Failure."""
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_FILE + 1)
        if len(raw) > MAX_FILE:
            raise Failure(errors.USAGE, f"{file} is larger than {MAX_FILE >> 20} MiB")
        return raw.decode()
    except OSError as error:
        raise Failure(errors.USAGE, f"cannot read {file}", f"{error.strerror}.") from None
    except UnicodeDecodeError:
        raise Failure(errors.USAGE, f"{file} is not UTF-8 text") from None


def _variable_spot(file: str, text: str, one: dotenv.Variable) -> Spot:
    start = len(text[: one.start].encode())
    raw = text[one.start : one.end].encode()
    return Spot(file, f"{file}:{one.line}", start, start + len(raw), raw)


def _spot(place: Occurrence, secret: bytes) -> Spot:
    """Where a secret is escaped, JSON alone knows how to put another value there."""
    where = place.provenance
    escaped = b"\\" in secret and not where.path.endswith(".json")
    text = b"" if where.inside or escaped else secret
    return Spot(where.path, f"{where.shown}:{place.line}", place.start, place.end, text)


def _below(path: str, root: str) -> str:
    """A file's path below the folder scanned, as a secret's path."""
    relative = os.path.relpath(os.path.realpath(path), root)
    parts = [_segment(part) for part in relative.split("/") if part not in ("..", ".")]
    return "/".join(part for part in parts if part) or "file"


def _segment(text: str) -> str:
    return _ODD.sub("-", text).strip("-")[:100]
