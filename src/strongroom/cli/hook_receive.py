"""`strongroom hook pre-receive`: a server refuses a push that brings secrets.

It answers before its deadline whatever happens: the scan runs in a process
group of its own, which is killed when time is up. Settings are in the
repository's (or the server's) git configuration, where a pusher cannot reach:

    strongroom.deadline       seconds (4.5: GitHub Enterprise Server gives all hooks 5)
    strongroom.failOpen       true: take what could not be scanned (false)
    strongroom.breakGlass     false: no way around (true: `git push -o breakglass -o strongroom.reason='…'`)
    strongroom.inline         true: heed comments like strongroom:allow in what is pushed (false)
    strongroom.minConfidence  low, medium or high (medium)
    strongroom.baseline       a file of known findings
    strongroom.auditLog       where pushes that were let through are recorded (strongroom-audit.jsonl)

Exceptions are read from .strongroom-ignore.toml of HEAD: what was reviewed before, not what is pushed.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from strongroom.cli import break_glass
from strongroom.cli.errors import message
from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.scanner import reports, rules, scan
from strongroom.scanner import suppress as suppression
from strongroom.scanner.finding import CONFIDENCE_RANK, Report
from strongroom.scanner.fingerprint import PUBLIC_KEY
from strongroom.scanner.sources.git import Git
from strongroom.scanner.sources.history import HistorySource
from strongroom.scanner.sources.pushes import pre_receive_ranges
from strongroom.scanner.suppress import ignorefile

if TYPE_CHECKING:
    from collections.abc import Callable

ACCEPTED, REFUSED, FAILED = 0, 1, 2
DEADLINE = 4.5


class Settings:
    """What the server's git configuration says. Raises InvalidRequest for a value of the wrong kind."""

    def __init__(self, values: dict[str, str]) -> None:
        self.deadline = _number(values, "deadline", DEADLINE)
        self.fail_open = _truth(values, "failopen", default=False)
        self.break_glass = _truth(values, "breakglass", default=True)
        self.inline = _truth(values, "inline", default=False)
        self.min_confidence = values.get("minconfidence", "medium")
        self.baseline = values.get("baseline", "")
        self.audit_log = values.get("auditlog", "")
        if self.min_confidence not in CONFIDENCE_RANK:
            raise InvalidRequest("strongroom.minConfidence is low, medium or high")


def _number(values: dict[str, str], key: str, default: float) -> float:
    try:
        return float(values.get(key, default))
    except ValueError as error:
        raise InvalidRequest(f"strongroom.{key} is not a number") from error


def _truth(values: dict[str, str], key: str, *, default: bool) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    given = values.get(key)
    if given is None:
        return default
    if given.lower() not in words:
        raise InvalidRequest(f"strongroom.{key} is true or false")
    return words[given.lower()]


def settings(git: Git) -> Settings:
    """Read the configuration of the repository."""
    listing, _ = git.attempt("config", "-z", "--get-regexp", r"^strongroom\.")
    values = {}
    for item in listing.decode("utf-8", "replace").split("\0"):
        name, _, value = item.partition("\n")
        values[name.removeprefix("strongroom.")] = value
    return Settings(values)


def pre_receive(args: Any) -> int:
    """Judge the push that git describes on standard input."""
    started = time.monotonic()
    git = Git(".", hook=True)
    chosen = settings(git)
    lines = sys.stdin.read().splitlines()
    reason = break_glass.reason(os.environ) if chosen.break_glass else ""
    left = chosen.deadline - (time.monotonic() - started)
    answer, found = within(left, lambda told: _judge(lines, chosen, told, quiet=bool(reason)))
    if answer == ACCEPTED:
        return ACCEPTED
    if reason:
        return _let_through(chosen, lines, "break-glass", reason, found)
    if answer == REFUSED:
        _say(f"To push it all the same: {break_glass.HOW}" if chosen.break_glass else "")
        return REFUSED
    what = "the scan took too long" if answer is None else "the scan failed"
    if answer is None:
        _warm()
    if chosen.fail_open:
        return _let_through(chosen, lines, "fail-open", what, found)
    _say(f"strongroom: {what}, so this push is refused. Try again, or ask who runs this server.")
    return REFUSED


def within(seconds: float, judge: Callable[[int], int]) -> tuple[int | None, str]:
    """Run `judge` in a process group of its own; None as its answer when `seconds` are over.

    Also returns what it wrote to the descriptor it was given: fingerprints, for the record.
    """
    reading, writing = os.pipe()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        code = FAILED
        try:
            os.setsid()
            os.close(reading)
            code = judge(writing)
            os.write(writing, b"\n%d" % code)
        finally:
            os._exit(code)
    os.close(writing)
    told = _read(reading, time.monotonic() + seconds)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found, _, answer = told.rpartition("\n")
    if answer.isdigit():
        return int(answer), found
    return (FAILED if told.endswith("\x04") else None), found


def _warm() -> None:
    """Leave a process behind that compiles the rules if they are not cached: no push has the time."""
    if os.fork():
        return
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # git waits for whoever holds them
            os.dup2(nowhere, stream)
        rules.load()
    finally:
        os._exit(0)


def _read(reading: int, deadline: float) -> str:
    """Read until the other side has said its answer, gone (a \\x04 is added), or time is up."""
    told = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while (left := deadline - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
            more = pipe.read(65536)
            told += more or b"\x04"
            if not more or told.rpartition(b"\n")[2].isdigit():
                break
    return told.decode("ascii", "replace")


def _judge(lines: list[str], chosen: Settings, told: int, *, quiet: bool) -> int:
    try:
        report = _scan(lines, chosen)
    except StrongroomError as error:
        _say(f"strongroom: {message(error)}")
        return FAILED
    if not report.open:
        return ACCEPTED
    os.write(told, ",".join(found.fingerprint for found in report.open[:50]).encode())
    if not quiet:
        text = io.StringIO()
        reports.render("text", report, text)
        count = len(report.open)
        _say(f"This push brings {count:,} secret{'' if count == 1 else 's'}. Rotate what was real.\n")
        _say(text.getvalue())
    return REFUSED


def _scan(lines: list[str], chosen: Settings) -> Report:
    ranges = pre_receive_ranges(lines)
    if not ranges:
        return Report()
    source = HistorySource(".", ranges=ranges, hook=True)
    report = scan.scan(source, rules.load(), scan.Options(jobs=len(os.sched_getaffinity(0))))
    floor = CONFIDENCE_RANK[chosen.min_confidence]
    report.findings = [f for f in report.findings if CONFIDENCE_RANK[f.confidence] >= floor]
    text, known = source.git.attempt("show", f"HEAD:{ignorefile.NAME}")
    entries = ignorefile.parse(text.decode("utf-8", "replace"), ignorefile.NAME) if known else ()
    rest = suppression.gather([], os.devnull, [chosen.baseline] if chosen.baseline else [], PUBLIC_KEY)
    rest = rest._replace(entries=entries, inline=chosen.inline)
    suppression.apply(report, rest, time.strftime("%Y-%m-%d"))
    return report


def _let_through(chosen: Settings, lines: list[str], why: str, reason: str, found: str) -> int:
    try:
        break_glass.record(chosen.audit_log, why, reason, lines, found, time.time())
    except OSError as error:
        _say(f"strongroom: this cannot be recorded ({error.strerror}), so the push is refused")
        return REFUSED
    _say(f"strongroom: let through ({why}: {reason}); this was recorded")
    return ACCEPTED


def _say(text: str) -> None:
    """Tell the pusher; GitLab shows only lines that begin with its mark."""
    mark = "GL-HOOK-ERR: " if "GL_REPOSITORY" in os.environ or "GL_ID" in os.environ else ""
    for line in text.splitlines():
        sys.stderr.write(f"{mark}{line}".rstrip() + "\n")
    sys.stderr.flush()
