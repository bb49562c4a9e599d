"""One log line for people: who did what, when, from where, why, and how it ended."""

import json
from fnmatch import fnmatchcase

SHORT = {
    "operation": "request.operation",
    "path": "request.path",
    "user": "auth.display_name",
    "from": "request.remote_address",
    "id": "request.id",
    "reason": "request.reason",
    "version": "response.facts.version",
}


def fields_of(line: bytes) -> dict[str, object]:
    """The line's JSON object; an empty one when it is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def lookup(fields: dict[str, object], name: str) -> str:
    """A field by its short or dotted name, as text; empty when it is not there."""
    value: object = fields
    for part in SHORT.get(name, name).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def matches(fields: dict[str, object], name: str, glob: str) -> bool:
    """Whether a field fits a shell pattern, in which `*` also spans `/`."""
    return fnmatchcase(lookup(fields, name), glob)


def render(line: bytes) -> str:
    """The line in one row of text. What came from outside cannot move the cursor."""
    fields = fields_of(line)
    if not fields:
        return printable(line.decode("utf-8", "replace"))
    names = ("seq", "time", "type", "operation", "path")
    seq, at, kind, operation, path = (lookup(fields, name) for name in names)
    row = f"{seq:>8} {at} {kind:<8} {operation:<7} {path}"
    for word, name in (("version", "version"), ("by", "user"), ("from", "from"), ("because", "reason")):
        value = lookup(fields, name)
        row += f" {word} {value}" if value else ""
    error = lookup(fields, "error")
    return printable(f"{row} FAILED: {error}" if error else row)


def printable(text: str) -> str:
    """Text with control characters spelled out."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
