"""What one command works with: its arguments, settings, server, and ways to ask and show."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import config, errors, tokens
from strongroom.cli.client import Client, Refused, options
from strongroom.cli.errors import Failure
from strongroom.cli.output import Output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from strongroom.cli.client import Answer
    from strongroom.sensitive import Sensitive


class Session:
    """One run of one command."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.place = config.Place(os.environ, Path.cwd(), Path(os.path.expanduser("~")))  # noqa: PTH111 (no error without a home)
        flags = {setting.name: getattr(args, setting.name, None) for setting in config.SETTINGS}
        self.settings = config.resolve(flags, self.place)
        self.output = Output(
            self._format(), args.field, show_secrets=args.show_secrets, color=args.color, environ=os.environ
        )

    def run(self) -> int:
        """Carry the command out."""
        if self.args.print_config:
            return self._print_config()
        try:
            code: int = self.args.do(self)
        except Refused as refused:
            from strongroom.cli.refusals import explained  # noqa: PLC0415 (for a failure only)

            raise explained(self, refused) from None
        finally:
            if "client" in self.__dict__:
                self.client.close()
        return code

    @cached_property
    def found_token(self) -> tokens.Found | None:
        """The caller's token and where it is from, whether or not it may be sent."""
        return tokens.find(self.place)

    @cached_property
    def client(self) -> Client:
        """The server, with the token that may go to it."""
        trusted = self.settings["trusted_addresses"].value
        address = self.settings["address"]
        client = self.client_with(tokens.fitting(self.found_token, address, trusted, self.place))
        if not client.encrypted and client.host not in tokens.LOOPBACK:
            self.warn(f"{address.value} is not encrypted: anyone on the way can read tokens and secrets")
        if not client.options.verify:
            self.warn("the server's certificate is not checked: anyone on the way can read everything")
        return client

    def client_with(self, token: Sensitive[str] | None, **changes: Any) -> Client:
        """A client with this token, or none."""
        value = {name: chosen.value for name, chosen in self.settings.items()}
        try:
            made = options(value, token, self.args.reason or "")
        except ValueError as error:
            name = str(error)
            chosen = self.settings[name]
            raise Failure(
                errors.USAGE, f"{name} is not a number: '{chosen.value}'", f"It is set by {chosen.source}."
            ) from None
        return Client(made._replace(**changes))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> Answer:
        """The command's own request; with --output-curl or --output-policy it is shown, not sent."""
        fields = dict(headers or {})
        if getattr(self.args, "wrap_ttl", None):
            fields["X-Vault-Wrap-TTL"] = self.args.wrap_ttl
        if getattr(self.args, "output_curl", False) or getattr(self.args, "output_policy", False):
            from strongroom.cli.shown import show_request  # noqa: PLC0415 (rare)

            show_request(self, method, path, body, query, fields)
        answer = self.client.request(method, path, body, query=query, headers=fields, raw=raw)
        self._pass_on_warnings(answer)
        return answer

    def seek(self, method: str, path: str, **options: Any) -> Any:
        """The answer's `data`, or None where nothing is stored."""
        try:
            return self.data(self.ask(method, path, **options))
        except Refused as refused:
            if refused.status == 404 and not refused.messages:
                return None
            raise

    def data(self, answer: Answer) -> Any:
        """The `data` member of an answer; {} when there is none."""
        return (answer.body.get("data") if isinstance(answer.body, dict) else None) or {}

    def warn(self, text: str) -> None:
        """A warning for people."""
        sys.stderr.write(f"warning: {text}\n")

    def say(self, text: str) -> None:
        """A line for people: not data, so it goes to standard error."""
        sys.stderr.write(f"{text}\n")

    def _pass_on_warnings(self, answer: Answer) -> None:
        found = answer.body.get("warnings") if isinstance(answer.body, dict) else None
        for text in found or ():
            self.warn(self.output.printable(str(text)))

    def _format(self) -> str:
        chosen = self.settings["format"]
        if chosen.value not in ("table", "json", "yaml", "csv", "plain"):
            raise Failure(
                errors.USAGE, f"unknown format '{chosen.value}'", f"It is set by {chosen.source}.",
                "Formats are table, json, yaml, csv and plain.",
            )  # fmt: skip
        return chosen.value

    def _print_config(self) -> int:
        rows = [
            {"setting": name, "value": value, "source": source}
            for name, (value, source) in self.settings.items()
        ]
        found = self.found_token
        rows.append(
            {"setting": "token", "value": "set" if found else "", "source": found.source if found else "none"}
        )
        self.output.rows(rows)
        return errors.OK
