"""Verify the audit log, prove its entries, follow it.

examples:
  strongroom audit verify --data /var/lib/strongroom --key audit.vkey
  strongroom audit verify --proof entry-17.json --key audit.vkey
  strongroom audit checkpoint --data /var/lib/strongroom > today.checkpoint
  strongroom audit prove 17 -o entry-17.json
  strongroom audit tail -f --filter path='secret/*' --filter type=request

Keep the key (DATA/audit/checkpoint.vkey) and a checkpoint now and then away from the server: with
them, `verify` needs to trust nothing that is on it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.audit import evidence
from strongroom.audit.checkpoint import VerifyKey
from strongroom.audit.verify import Report, verify_log
from strongroom.cli.audit_line import fields_of, lookup, matches, render
from strongroom.cli.audit_source import Directory, Source, source_of
from strongroom.errors import IntegrityFailure, InvalidRequest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

PAGE = 1000
NEGATIVE = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    parts = parser.add_subparsers(dest="part", metavar="verify|checkpoint|prove|tail", required=True)
    verify = parts.add_parser("verify", help="check a whole log, or one proof file; exit 1 when it fails")
    verify.add_argument(
        "--data", metavar="DIR", help="the server's data directory, or a copy of its audit log"
    )
    verify.add_argument("--proof", metavar="FILE", help="check this proof file instead of a log")
    verify.add_argument("--key", metavar="VKEY", action="append", help="public key: a file, or its text")
    verify.add_argument(
        "--checkpoint", metavar="FILE", action="append", default=[], help="a checkpoint kept elsewhere"
    )
    verify.add_argument("--json", action="store_true", help="the result as JSON")
    checkpoint = parts.add_parser("checkpoint", help="print the latest signed checkpoint")
    prove = parts.add_parser("prove", help="make a proof file for an entry, or for the log's growth")
    what = prove.add_mutually_exclusive_group(required=True)
    what.add_argument("sequence", metavar="SEQ", type=int, nargs="?", help="the entry's seq")
    what.add_argument("--since", metavar="FILE", help="show that the log extends this checkpoint")
    prove.add_argument("-o", "--output", metavar="FILE", help="where to write it (standard output)")
    tail = parts.add_parser("tail", help="print the latest entries")
    tail.add_argument("-n", "--lines", metavar="N", type=int, default=20, help="how many (20)")
    tail.add_argument("-f", "--follow", action="store_true", help="go on as entries come")
    tail.add_argument("--json", action="store_true", help="the log's lines as they are")
    tail.add_argument(
        "--filter", metavar="FIELD=GLOB", action="append", default=[],
        help="type, operation, path, version, user, from, reason, id, error or a dotted name; all must fit",
    )  # fmt: skip
    for part in (checkpoint, prove, tail):
        part.add_argument("--data", metavar="DIR", help="read this data directory, without the server")
        part.add_argument("--address", metavar="URL", help="ask this server (STRONGROOM_ADDR)")


def run(args: argparse.Namespace) -> int:
    """Run a subcommand."""
    parts: dict[str, Callable[[argparse.Namespace], int]] = {
        "verify": _verify,
        "checkpoint": _checkpoint,
        "prove": _prove,
        "tail": _tail,
    }
    return parts[args.part](args)


def _checkpoint(args: argparse.Namespace) -> int:
    sys.stdout.write(source_of(args).checkpoint())
    return 0


def _prove(args: argparse.Namespace) -> int:
    source = source_of(args)
    try:
        proof = source.growth(_note("--since", args.since)) if args.since else source.proof(args.sequence)
    except IntegrityFailure as error:
        return _fail(f"no proof: {error}")
    if args.output:
        _write(args.output, proof)
        sys.stderr.write(f"wrote {args.output}\n")
    else:
        sys.stdout.write(proof.decode())
    return 0


def _write(name: str, proof: bytes) -> None:
    try:
        Path(name).write_bytes(proof)
    except OSError as error:
        raise InvalidRequest(f"--output: {name}: {(error.strerror or 'cannot be written').lower()}") from None


def _verify(args: argparse.Namespace) -> int:
    keys = [key for given in args.key or [] for key in _keys(given)]
    if args.proof:
        return _verify_proof(args.proof, keys)
    if not args.data:
        raise InvalidRequest("say what to verify: --data DIR or --proof FILE")
    directory = Directory(Path(args.data)).path
    kept = [_note("--checkpoint", name) for name in args.checkpoint]
    report = verify_log(directory, keys or None, kept)
    if keys and report.entries and not report.checkpoints:
        report.note(0, "no checkpoint by the given key: nothing in this log is signed")
    sys.stdout.write(_json(report) if args.json else _text(report, directory))
    if not keys:
        sys.stderr.write("note: checked with the key beside the log; pass --key with a copy kept elsewhere\n")
    return NEGATIVE if report.problems else 0


def _verify_proof(name: str, keys: list[VerifyKey]) -> int:
    if not keys:
        raise InvalidRequest("a proof is checked with a public key: --key VKEY")
    try:
        proof, checkpoint = evidence.check_proof(_read("--proof", name), keys)
    except IntegrityFailure as error:
        return _fail(f"NOT verified: {error}")
    if isinstance(proof, evidence.InclusionProof):
        what = f"entry {proof.index} is in the log of {checkpoint.size} entries"
        sys.stdout.write(f"verified: {what} signed by {checkpoint.origin}\n{render(proof.entry.encode())}\n")
    else:
        what = f"the log of {checkpoint.size} entries extends the older checkpoint"
        sys.stdout.write(f"verified: {what}, both signed by {checkpoint.origin}\n")
    return 0


def _keys(given: str) -> list[VerifyKey]:
    """Keys from a file (one a line), or one from the argument itself: its text has two `+`."""
    try:
        text = (
            given if given.count("+") >= 2 and not Path(given).is_file() else _read("--key", given).decode()
        )
        return [VerifyKey.parse(line) for line in text.splitlines() if line.strip()]
    except (IntegrityFailure, UnicodeDecodeError) as error:
        why = error if isinstance(error, IntegrityFailure) else f"{given} is not text"
        raise InvalidRequest(f"--key: {why}") from error


def _read(flag: str, name: str) -> bytes:
    """A file that an argument names. Raises InvalidRequest, saying which and why."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower().replace("file or directory", "file")
        raise InvalidRequest(f"{flag}: {name}: {reason}") from None


def _note(flag: str, name: str) -> str:
    """A checkpoint's text; what is not UTF-8 cannot be one, and is found so when it is parsed."""
    return _read(flag, name).decode("utf-8", "replace")


def _text(report: Report, directory: Path) -> str:
    size = f"{_count(report.entries, 'entry', 'entries')} in {_count(report.segments, 'segment', 'segments')}"
    signed = _count(report.checkpoints, "signed checkpoint", "signed checkpoints")
    lines = [f"{directory}: {size}, {signed} by {report.origin or 'nobody'}"]
    lines += [f"  {problem.message}" for problem in report.problems]
    if report.problems:
        lines.append(f"NOT verified: {_count(len(report.problems), 'problem', 'problems')}")
    else:
        rest = _count(report.entries - report.signed, "entry", "entries")
        lines.append(f"verified; {rest} came after the last checkpoint")
    return "\n".join(lines) + "\n"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _json(report: Report) -> str:
    value = {
        "version": 1,
        "verified": not report.problems,
        "entries": report.entries,
        "segments": report.segments,
        "checkpoints": report.checkpoints,
        "signed_entries": report.signed,
        "origin": report.origin,
        "root_hash": report.root.hex(),
        "torn_bytes": report.torn_bytes,
        "problems": [{"seq": problem.sequence, "message": problem.message} for problem in report.problems],
    }
    return json.dumps(value, indent=2) + "\n"


def _tail(args: argparse.Namespace) -> int:
    source = source_of(args)
    filters = [_filter(text) for text in args.filter]

    def wanted(line: bytes) -> bool:
        fields = fields_of(line)
        return not source.own(lookup(fields, "path")) and all(matches(fields, *each) for each in filters)

    def show(lines: list[bytes]) -> None:
        for line in lines:
            sys.stdout.write((line.decode() if args.json else render(line)) + "\n")

    end = source.size()
    found = _latest(source, end, max(args.lines, 1), wanted)
    show(found)
    while args.follow:
        lines = source.entries(end, PAGE)
        show([line for line in lines if wanted(line)])
        end += len(lines)
        if not lines:
            sys.stdout.flush()
            time.sleep(source.poll_seconds)
    return 0 if found or not filters else NEGATIVE


def _latest(source: Source, end: int, count: int, wanted: Callable[[bytes], bool]) -> list[bytes]:
    """The last `count` wanted entries before `end`, however far back they are."""
    found: list[bytes] = []
    step = min(2 * count, PAGE)
    while end > 0 and len(found) < count:
        start = max(0, end - step)
        page = _between(source, start, end)
        found = [line for line in page if wanted(line)] + found
        end, step = start, min(4 * step, PAGE)
    return found[-count:]


def _between(source: Source, start: int, end: int) -> list[bytes]:
    """The entries from `start` up to `end`; a source gives fewer at once where they are long."""
    lines: list[bytes] = []
    while start + len(lines) < end:
        more = source.entries(start + len(lines), end - start - len(lines))
        if not more:
            break
        lines += more
    return lines


def _filter(text: str) -> tuple[str, str]:
    name, separator, glob = text.partition("=")
    if not separator or not name:
        raise InvalidRequest("a filter is spelled FIELD=GLOB")
    return name, glob


def _fail(message: str) -> int:
    sys.stderr.write(f"strongroom: {message}\n")
    return NEGATIVE
