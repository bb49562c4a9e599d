"""Arguments as these commands take them.

Options may stand anywhere, long ones may also be spelled with one dash as Vault's are
(`-format=json`), and a near miss is named.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from strongroom.cli import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.cli.session import Session

    Do = Callable[[Session], int]
    Parts = argparse._SubParsersAction["Parser"]

FORMATS = ("table", "json", "yaml", "csv", "plain")


class Parser(argparse.ArgumentParser):
    """A parser of one command or subcommand."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)
        self.shared: list[Callable[[Parser], None]] = []

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add one; argparse calls words of `*` required unless they have a default."""
        if options.get("nargs") == "*":
            options.setdefault("default", [])
        return super().add_argument(*names, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse with the options moved to the front, so that they may follow the paths."""
        given = list(sys.argv[1:] if args is None else args)
        self.settle()
        if self._nests():
            return super().parse_known_args(given, namespace)
        options, rest = self.split(given)
        found, unknown = super().parse_known_args(options + rest, namespace)
        if unknown:
            self.error(f"unknown: {' '.join(unknown)}")
        return found, unknown

    def settle(self) -> None:
        """Add the shared options, which only the subcommand that is asked for needs."""
        waiting, self.shared = self.shared, []
        for add in waiting:
            add(self)
        if waiting:
            self.usage = " ".join(
                ["%(prog)s [options]", *(_spelled(action) for action in self._positionals_of())]
            )

    def format_help(self) -> str:
        """The whole help."""
        self.settle()
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, what was meant, and where help is; exit 2."""
        word = message.split()[1] if message.startswith("unknown: ") else _quoted(message)
        hint = errors.near(word, self._known())
        if "invalid choice" in message:
            message = message.partition(" (choose from")[0].replace("invalid choice:", "there is no")
        lines = [f"strongroom: {message}", self.format_usage().strip()]
        lines.append(hint or f"Try `{self.prog} --help`.")
        self.exit(errors.USAGE, "\n  ".join(lines) + "\n")

    def _positionals_of(self) -> list[argparse.Action]:
        return [action for action in self._actions if not action.option_strings]

    def _nests(self) -> bool:
        return any(isinstance(action, argparse._SubParsersAction) for action in self._actions)

    def _known(self) -> list[str]:
        choices = [name for action in self._actions if action.choices for name in action.choices]
        return [*choices, *self._option_string_actions]

    def split(self, given: list[str]) -> tuple[list[str], list[str]]:
        """The options with their values, and the rest."""
        options: list[str] = []
        rest: list[str] = []
        waiting = iter(given)
        for given_word in waiting:
            if given_word == "--":
                rest += ["--", *waiting]
                break
            word = self._long(given_word)
            action = self._option_string_actions.get(word.partition("=")[0])
            if action is None:
                rest.append(word)
                continue
            options.append(word)
            if action.nargs is None and "=" not in word and word.startswith("-"):
                options += [value for value in (next(waiting, None),) if value is not None]
        return options, rest

    def _long(self, word: str) -> str:
        """Vault's `-format=json` as `--format=json`; other words as they are."""
        name = word.partition("=")[0]
        vaultish = len(name) > 2 and name[0] == "-" != name[1]
        return f"-{word}" if vaultish and f"-{name}" in self._option_string_actions else word


def _spelled(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def _quoted(message: str) -> str:
    return message.split("'")[1] if message.count("'") > 1 else ""


def parts(parser: argparse.ArgumentParser, what: str = "COMMAND") -> Parts:
    """Begin the subcommands of a command."""
    found: Parts = parser.add_subparsers(
        dest="part", metavar=what, required=True, parser_class=Parser, title="commands", prog=parser.prog
    )
    return found


def part(to: Parts, name: str, do: Do, summary: str, *, examples: Sequence[str] = ()) -> Parser:
    """Add one subcommand that `do` carries out, with the options all of them share."""
    epilog = "examples:\n" + "\n".join(f"  {example}" for example in examples) if examples else None
    made = to.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=epilog)
    return whole(made, do)


def whole(parser: Any, do: Do) -> Parser:
    """Give a command that has no subcommands the shared options."""
    made: Parser = parser
    made.set_defaults(do=do)
    made.shared += [_connection, _output]
    return made


def asks(parser: Parser) -> Parser:
    """Options of commands that make one request: wrap it, or show it instead."""
    parser.shared.insert(0, _request)
    return parser


def _request(parser: Parser) -> None:
    group = parser.add_argument_group("request")
    group.add_argument("--wrap-ttl", metavar="TIME", help="put the answer behind a token of one use")
    shown = group.add_mutually_exclusive_group()
    shown.add_argument(
        "--output-curl",
        "--output-curl-string",
        action="store_true",
        help="print the request as curl; send nothing",
    )
    shown.add_argument("--output-policy", action="store_true", help="print the policy it needs; send nothing")


def confirms(parser: Parser) -> Parser:
    """Options of commands that destroy something."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen; change nothing")
    return parser


def _connection(parser: Parser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument("--address", metavar="URL", help="the server (STRONGROOM_ADDR)")
    group.add_argument("--namespace", "--ns", metavar="PATH", help="namespace (STRONGROOM_NAMESPACE)")
    group.add_argument("--ca-cert", metavar="FILE", help="PEM authorities to trust (STRONGROOM_CACERT)")
    group.add_argument(
        "--client-cert", metavar="FILE", help="PEM certificate to show (STRONGROOM_CLIENT_CERT)"
    )
    group.add_argument("--client-key", metavar="FILE", help="its key (STRONGROOM_CLIENT_KEY)")
    group.add_argument("--tls-server-name", metavar="NAME", help="the name its certificate must have")
    group.add_argument(
        "--skip-verify", "--tls-skip-verify", action="store_const", const="true",
        help="believe any certificate: anyone on the way can read everything",
    )  # fmt: skip
    group.add_argument("--timeout", metavar="SECONDS", help="for one answer (60)")
    group.add_argument("--retries", metavar="N", help="when the server is busy (2)")
    group.add_argument("--reason", metavar="TEXT", help="why, for the audit log")
    group.add_argument("--print-config", action="store_true", help="show each setting and where it is from")


def _output(parser: Parser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--format", choices=FORMATS, help="table, json, yaml, csv or plain (STRONGROOM_FORMAT)"
    )
    group.add_argument(
        "--json", action="store_const", const="json", dest="format", help="same as --format json"
    )
    group.add_argument("--field", metavar="NAME", help="print this field alone")
    group.add_argument(
        "--show-secrets", "--reveal", action="store_true", help="show secret values on a terminal too"
    )
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (auto)")
    group.add_argument("--no-warn", action="store_true", help="no warnings about values on the command line")
