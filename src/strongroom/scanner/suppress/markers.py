"""Inline markers: a comment beside a secret that says it may stand there.

Ours needs a reason: `strongroom:allow sample of the test suite`. With the
first eight or more digits of the fingerprint before the reason it allows that
secret only. The markers of other scanners hold as they do there.
"""

from __future__ import annotations

import re

REACH = 1000  # bytes around a secret in which its line is searched: a minified file is one line

_OURS = rb"strongroom:allow\b[ \t:]*([^\r\n]{0,200})"
_THEIRS = (
    rb"(?:gitleaks|betterleaks|kingfisher):allow|(?:trufflehog|kingfisher):ignore|\bggignore\b"
    rb"|pragma: ?(?:allow|white)list secret|#[ \t]*nosec\b"
)
_SAME_LINE = re.compile(b"(?i)" + _OURS + b"|(" + _THEIRS + b")")
_LINE_BEFORE = re.compile(rb"(?i)pragma: ?(?:allow|white)list nextline secret")
_CLOSERS = re.compile(r"(?:\s|\*/|-->|#>|\"|'|--%>|%>|\}\})+$")
_BOUND = re.compile(r"([0-9a-f]{8,32})\s+(\S.*)")


def find(data: bytes, start: int, end: int) -> str:
    """Return the marker beside the secret at data[start:end], on its lines or the one before; "" for none."""
    line_start = data.rfind(b"\n", max(0, start - REACH), start) + 1 or max(0, start - REACH)
    line_end = data.find(b"\n", end, end + REACH)
    last = line_end if line_end >= 0 else min(len(data), end + REACH)
    for part in (data[end:last], data[line_start:start]):
        if found := _SAME_LINE.search(part):
            return found[2].decode().lower() if found[2] else _text(found[1])
    before = data.rfind(b"\n", max(0, line_start - 1 - REACH), max(0, line_start - 1)) + 1
    if found := _LINE_BEFORE.search(data, max(before, line_start - REACH), line_start):
        return found[0].decode().lower()
    return ""


def _text(reason: bytes) -> str:
    text = _CLOSERS.sub("", reason.decode("utf-8", "replace"))
    return f"strongroom:allow {text}".rstrip()


def holds(marker: str, fingerprint: str) -> tuple[bool, str]:
    """Return whether `marker` allows the secret with this fingerprint, and why or why not."""
    if not marker.startswith("strongroom:allow"):
        return True, marker
    reason = marker.removeprefix("strongroom:allow").strip()
    if bound := _BOUND.fullmatch(reason):
        if fingerprint.startswith(bound[1]):
            return True, f"strongroom:allow: {bound[2]}"
        return False, f"strongroom:allow names another secret ({bound[1]})"
    if not reason or re.fullmatch(r"[0-9a-f]{8,32}", reason):
        return False, "strongroom:allow gives no reason"
    return True, f"strongroom:allow: {reason}"
