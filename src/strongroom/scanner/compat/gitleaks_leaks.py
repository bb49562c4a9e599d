"""Findings as gitleaks tells them, and what its allowlists, ignore file and baseline leave out."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import gitleaks_names
from strongroom.scanner.confirm import entropy
from strongroom.scanner.suppress import markers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from strongroom.scanner.compat.gitleaks_config import Allow, Config, Required
    from strongroom.scanner.finding import Finding, Occurrence, Report

Leak = dict[str, Any]  # gitleaks' keys in gitleaks' order


class Choice(NamedTuple):
    """What is left out: inline markers hold unless `inline` is false; only rules in `only`, if any."""

    inline: bool = True
    only: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    baseline: Sequence[Leak] = ()


def leaks(report: Report, config: Config, choice: Choice) -> list[Leak]:
    """Every place of every finding that nothing leaves out, in a fixed order."""
    found = [
        (leak, place) for leak, place in _places(report, config, choice) if _complete(leak, report, config)
    ]
    known = {_key(leak, redacted=_redacted(leak)) for leak in choice.baseline}
    kept = [
        leak
        for leak, _ in found
        if not (_key(leak, redacted=False) in known or _key(leak, redacted=True) in known)
        and not _names(leak) & choice.ignored
        and not (leak["RuleID"] in config.rules and config.rules[leak["RuleID"]].silent)
    ]
    return sorted(
        kept, key=lambda leak: (leak["File"], leak["StartLine"], leak["StartColumn"], leak["RuleID"])
    )


def _places(report: Report, config: Config, choice: Choice) -> Iterator[tuple[Leak, Occurrence]]:
    for found in report.findings:
        id = gitleaks_names.rule_id(found.detector)
        if (choice.only and id not in choice.only) or id in config.disabled:
            continue
        seen: set[str] = set()
        for place in found.occurrences:
            where = place.provenance
            if where.commit and where.shown in seen:
                continue  # a later version of the file that still has it: gitleaks reads what was added
            seen.add(where.shown)
            if choice.inline and place.allow and markers.holds(place.allow, found.fingerprint)[0]:
                continue
            leak = _leak(id, found, place, config)
            if not _allowed(leak, place, config):
                yield leak, place


def _leak(id: str, found: Finding, place: Occurrence, config: Config) -> Leak:
    where, rule = place.provenance, config.rules.get(id)
    on_path = not found.secret
    match = place.excerpt[place.mark : place.mark_end].decode("utf-8", "replace")
    file = where.shown if where.path else ""
    line = 0 if on_path else place.line
    leak: Leak = {
        "RuleID": id,
        "Description": found.detector.name,
        "StartLine": line,
        "EndLine": 0 if on_path else place.end_line,
        # gitleaks counts the line end before as a column, but for the first line
        "StartColumn": 0 if on_path else place.column + (place.line > 1),
        "EndColumn": 0 if on_path else place.end_column - 1 + (place.end_line > 1),
        "Match": f"file detected: {file}" if on_path else match,
        "Secret": found.secret.decode("utf-8", "replace"),
        "File": file,
        "SymlinkFile": "",
        "Commit": where.commit,
        "Entropy": _single(entropy(found.secret)) if found.secret else 0,
        "Author": where.author,
        "Email": where.email,
        "Date": where.date,
        "Message": _message(where.message) if where.commit else "",
        "Tags": list(rule.tags) if rule else [],
    }
    leak["Fingerprint"] = ":".join([where.commit] * bool(where.commit) + [file, id, str(line)])
    return leak


def _message(text: str) -> str:
    """A commit's message with the lines of its subject joined, as git's patches have it."""
    subject, blank, body = text.partition("\n\n")
    return subject.replace("\n", " ") + blank + body


def _single(value: float) -> float:
    """A number as Go prints it in single precision: the shortest that reads the same."""
    (single,) = struct.unpack("f", struct.pack("f", value))
    tries = (float(f"{single:.{digits}g}") for digits in range(1, 10))
    return next(n for n in tries if struct.pack("f", n) == struct.pack("f", single))


def _allowed(leak: Leak, place: Occurrence, config: Config) -> bool:
    rule = config.rules.get(leak["RuleID"])
    allows = (*config.allows, *(rule.allows if rule else ()))
    if any(_holds(allow, leak, place) for allow in allows):
        return True
    names = {"attributes": _attributes(leak), "finding": _finding(leak, place)}
    if config.prefilter and config.prefilter(names):
        return True
    return any(f(names) for f in (config.filter, rule.filter if rule else None) if f)


def _holds(allow: Allow, leak: Leak, place: Occurrence) -> bool:
    path = leak["File"].encode("utf-8", "surrogateescape")
    line = place.excerpt.decode("utf-8", "replace")
    text = {"match": leak["Match"], "line": line, "secret": leak["Secret"]}[allow.target].encode()
    secret = leak["Secret"].lower()
    checks: list[tuple[Any, Callable[[], bool]]] = [
        (allow.commits, lambda: leak["Commit"].lower() in allow.commits),
        (allow.paths, lambda: any(pattern.search(path) for pattern in allow.paths)),
        (allow.regexes, lambda: any(pattern.search(text) for pattern in allow.regexes)),
        (allow.stopwords, lambda: any(word in secret for word in allow.stopwords)),
    ]
    asked = [check() for given, check in checks if given]
    return all(asked) if allow.every else any(asked)


def _attributes(leak: Leak) -> dict[str, str]:
    given = {
        "path": leak["File"], "git.sha": leak["Commit"], "git.author_name": leak["Author"],
        "git.author_email": leak["Email"], "git.date": leak["Date"], "git.message": leak["Message"],
    }  # fmt: skip
    return {key: value for key, value in given.items() if value}


def _finding(leak: Leak, place: Occurrence) -> dict[str, str]:
    line = place.excerpt.decode("utf-8", "replace")
    return {
        "secret": leak["Secret"], "match": leak["Match"], "line": line, "context": line,
        "rule_id": leak["RuleID"], "description": leak["Description"],
    }  # fmt: skip


def _complete(leak: Leak, report: Report, config: Config) -> bool:
    """Whether all that the leak's rule requires stands near it."""
    rule = config.rules.get(leak["RuleID"])
    return not rule or all(_near(leak, needed, report) for needed in rule.required)


def _near(leak: Leak, needed: Required, report: Report) -> bool:
    for found in report.findings:
        if gitleaks_names.rule_id(found.detector) != needed.id:
            continue
        for place in found.occurrences:
            here = place.provenance.shown == leak["File"] and place.provenance.commit == leak["Commit"]
            lines, columns = abs(place.line - leak["StartLine"]), abs(place.column - leak["StartColumn"])
            near = needed.lines < 0 or lines <= needed.lines
            if here and near and (needed.columns < 0 or columns <= needed.columns):
                return True
    return False


def _redacted(leak: Leak) -> bool:
    return leak.get("Secret") == "REDACTED" or str(leak.get("Secret", "")).endswith("...")


def _key(leak: Leak, *, redacted: bool) -> tuple[Any, ...]:
    """What makes two leaks the same; where the secret is redacted its rule must do."""
    what = ("rule", leak.get("RuleID")) if redacted else ("secret", leak.get("Secret"))
    return (leak.get("File"), leak.get("Commit", ""), leak.get("StartLine"), *what)


def _names(leak: Leak) -> set[str]:
    """How an ignore file may name the leak."""
    short = f"{leak['File']}:{leak['RuleID']}:{leak['StartLine']}"
    return {short, leak["Fingerprint"]}


def ignored(places: Iterable[str]) -> frozenset[str]:
    """Read `.gitleaksignore` (or betterleaks') of each place: a file, or the folder it is in."""
    found: set[str] = set()
    for place in places:
        path = Path(place)
        files = [path / ".gitleaksignore", path / ".betterleaksignore"] if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                lines = (line.strip() for line in file.read_text("utf-8", "replace").splitlines())
                found |= {line.replace("\\", "/") for line in lines if line and not line.startswith("#")}
    return frozenset(found)


def baseline(path: str) -> list[Leak]:
    """Read an earlier report. Raises InvalidRequest for another file."""
    try:
        document = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path}: not a JSON report") from error
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise InvalidRequest(f"{path}: not a list of findings")
    return document


def redact(leak: Leak, percent: int) -> Leak:
    """Hide so many percent of the secret, wherever the leak shows it."""
    secret = leak["Secret"]
    if not secret or percent <= 0:
        return leak
    masked = "REDACTED" if percent >= 100 else secret[: round(len(secret) * (100 - percent) / 100)] + "..."
    return {**leak, "Secret": masked, "Match": leak["Match"].replace(secret, masked)}
