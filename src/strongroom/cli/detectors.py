"""List, show and test detectors, and explain what they make of a text.

examples:
  strongroom detectors list --kind precise
  strongroom detectors show stripe.secret_key
  strongroom detectors test my-rules.toml
  strongroom detectors explain 'password = "…"'      (or - for standard input)
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli.scan import add_rule_arguments, load_rules
from strongroom.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    import argparse

    from strongroom.scanner.detector import Detector

OK, WRONG = 0, 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of each sub-command."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list all detectors", allow_abbrev=False)
    listing.add_argument("--kind", choices=("precise", "context", "generic"), help="only of this kind")
    listing.add_argument("--provider", help="only of this provider")
    showing = commands.add_parser("show", help="show one detector in full", allow_abbrev=False)
    showing.add_argument("id", metavar="ID")
    testing = commands.add_parser(
        "test", help="check detector files against their own examples", allow_abbrev=False
    )
    testing.add_argument("files", nargs="*", metavar="FILE.toml", help="default: the built-in detectors")
    explaining = commands.add_parser(
        "explain", help="say why a text is or is not reported", allow_abbrev=False
    )
    explaining.add_argument("text", metavar="TEXT", help="the text; - reads standard input, @FILE a file")
    explaining.add_argument("--path", default="", help="read it as a file of this name")
    for command in (listing, showing, testing, explaining):
        command.add_argument("--json", action="store_true", help="machine-readable output")
    for command in (listing, showing, explaining):
        add_rule_arguments(command)


def run(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    return {"list": _list, "show": _show, "test": _test, "explain": _explain}[args.command](args)


def _list(args: argparse.Namespace) -> int:
    chosen = [
        d
        for d in load_rules(args).detectors()
        if args.kind in (None, d.kind) and args.provider in (None, d.provider)
    ]
    if args.json:
        _write_json([_summary(d) for d in chosen])
        return OK
    for d in chosen:
        sys.stdout.write(f"{d.id:<44} {d.kind:<8} {d.confidence:<7} {d.severity:<9} {d.name}\n")
    sys.stderr.write(f"{len(chosen):,} detectors\n")
    return OK


def _summary(d: Detector) -> dict[str, Any]:
    keys = ("id", "name", "kind", "confidence", "severity", "docs")
    return {key: getattr(d, key) for key in keys} | {"verify": bool(d.verify), "revoke": bool(d.revoke)}


def _show(args: argparse.Namespace) -> int:
    found = load_rules(args).detector(args.id)
    if found is None:
        from difflib import get_close_matches  # noqa: PLC0415 (for a mistake only)

        near = get_close_matches(args.id, [d.id for d in load_rules(args).detectors()], 1)
        raise NotFound(f"no detector `{args.id}`" + (f"; did you mean `{near[0]}`?" if near else ""))
    fields = {key: value for key, value in found._asdict().items() if value not in ("", (), None, 0.0)}
    if args.json:
        _write_json(fields)
        return OK
    for key, value in fields.items():
        sys.stdout.write(f"{key:<16} {value if isinstance(value, str) else json.dumps(value)}\n")
    return OK


def _test(args: argparse.Namespace) -> int:
    from pathlib import Path  # noqa: PLC0415 (hooks never come here)

    from strongroom.scanner import detector, rules, selftest  # noqa: PLC0415

    found = [d for name in args.files for d in detector.load(Path(name))] if args.files else rules.builtin()
    problems = {d.id: wrong for d in found if (wrong := selftest.problems(d))}
    if args.json:
        _write_json({"detectors": len(found), "problems": problems})
    for id, wrong in problems.items() if not args.json else ():
        sys.stdout.write("".join(f"{id}: {problem}\n" for problem in wrong))
    if not args.json:
        sys.stderr.write(f"{len(found):,} detectors, {len(problems):,} with problems\n")
    return WRONG if problems else OK


def _explain(args: argparse.Namespace) -> int:
    from strongroom.scanner import explain  # noqa: PLC0415 (hooks never come here)

    found = explain.explain(load_rules(args), args.path, _text(args.text))
    if args.json:
        _write_json([e._asdict() for e in found])
    for e in found if not args.json else ():
        verdict = "reported" if e.reported else "not reported"
        score = f"  score {e.score:.2f}" if e.score else ""
        sys.stdout.write(f"{e.start}-{e.end}  {e.masked}  {verdict}  {e.detector}{score}\n")
        sys.stdout.write("".join(f"    {reason}\n" for reason in e.reasons))
    if not found and not args.json:
        sys.stderr.write("nothing in it looks like a secret to any detector\n")
    return OK


def _text(given: str) -> bytes:
    if given == "-":
        return sys.stdin.buffer.read()
    if not given.startswith("@"):
        return given.encode("utf-8", "surrogateescape")
    try:
        with open(given[1:], "rb") as file:  # noqa: PTH123 (as everywhere in the scanner)
            return file.read()
    except OSError as error:
        raise InvalidRequest(f"{given[1:]}: {error.strerror}") from error


def _write_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")
