"""Data on standard output, in the format asked for.

A secret value is hidden in a table on a terminal; a pipe, another format or a field
asked for by name gets it as it is.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli.errors import NEGATIVE, Failure, near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HIDDEN = "••••"
SHOWN_TAIL = 4
LONG_ENOUGH = 20


class Output:
    """How this run writes."""

    def __init__(
        self, style: str, field: str | None, *, show_secrets: bool, color: str, environ: Mapping[str, str]
    ) -> None:
        self.style = style
        self.field = field
        self.terminal = sys.stdout.isatty()
        self._hides = self.terminal and not show_secrets
        self.colored = color == "always" or (
            color == "auto"
            and "NO_COLOR" not in environ
            and ("FORCE_COLOR" in environ or (self.terminal and environ.get("TERM") != "dumb"))
        )

    def answer(self, body: Any, *, secret: bool = False) -> None:
        """A whole answer: json and yaml give Vault's envelope, the others what is in it."""
        content = _content(body)
        if self.field is not None:
            self.one(self._picked(content))
        elif self.style in ("json", "yaml"):
            self.structure(body)
        else:
            self.pairs(content, secret=secret)

    def facts(self, content: Mapping[str, Any], *, secret: bool = False) -> None:
        """Named values."""
        if self.field is not None:
            self.one(self._picked(content))
        elif self.style in ("json", "yaml"):
            self.structure(content)
        else:
            self.pairs(content, secret=secret)

    def names(self, found: Sequence[str], body: Any = None) -> None:
        """A list of names; json and yaml give the list alone, as Vault does."""
        if self.style in ("json", "yaml"):
            self.structure(list(found))
            return
        self._write([self.printable(name) for name in found])

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Records with the same members."""
        if self.style in ("json", "yaml"):
            self.structure([dict(row) for row in rows])
            return
        if not rows:
            return
        titles = list(rows[0])
        cells = [[self._cell(row.get(title)) for title in titles] for row in rows]
        if self.style != "csv":  # a line for each record: none can hold what looks like another
            cells = [[cell.replace("\n", "\\n") for cell in row] for row in cells]
        self._grid(titles, cells)

    def pairs(self, content: Mapping[str, Any], *, secret: bool = False) -> None:
        """Two columns: names and values."""
        hide = secret and self._hides and self.style == "table"
        cells = [
            [self.printable(str(key)), self._masked(value) if hide else self._cell(value)]
            for key, value in content.items()
        ]
        self._grid(["key", "value"], cells)
        if hide and cells:
            sys.stderr.write("values are hidden on a terminal; --show-secrets shows them\n")

    def structure(self, content: Any) -> None:
        """JSON or YAML."""
        if self.style == "yaml":
            from strongroom.cli.yaml import dumped  # noqa: PLC0415 (only when asked for)

            sys.stdout.write(dumped(content))
        else:
            sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    def one(self, value: Any) -> None:
        """A single value, byte for byte; the newline is for terminals only."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if self.terminal:
            text = f"{self.printable(text)}\n"
        sys.stdout.write(text)

    def printable(self, text: str) -> str:
        """Text that cannot move a terminal's cursor; anything else gets it as it is."""
        if not self.terminal:
            return text
        return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)

    def strong(self, text: str) -> str:
        """A heading."""
        return f"\x1b[1m{text}\x1b[0m" if self.colored else text

    def _picked(self, content: Mapping[str, Any]) -> Any:
        assert self.field is not None  # noqa: S101  # the callers have looked
        if self.field not in content:
            known = [str(key) for key in content]
            listed = f"There are: {', '.join(known)}." if known else "There are none."
            raise Failure(NEGATIVE, f"there is no field '{self.field}'", listed, near(self.field, known))
        return content[self.field]

    def _cell(self, value: Any) -> str:
        if value is None:
            return "n/a"
        return self.printable(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def _masked(self, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return HIDDEN + (text[-SHOWN_TAIL:] if len(text) >= LONG_ENOUGH else "")

    def _grid(self, titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        if self.style == "csv":
            import csv  # noqa: PLC0415 (only when asked for)

            csv.writer(sys.stdout, lineterminator="\n").writerows([titles, *cells])
        elif self.style == "plain":
            self._write(["\t".join(row) for row in cells])
        else:
            widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
            head = [
                self.strong(title.upper().ljust(width)) for title, width in zip(titles, widths, strict=True)
            ]
            lines = ["  ".join(head).rstrip()]
            lines += [
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                for row in cells
            ]
            self._write(lines)

    def _write(self, lines: Sequence[str]) -> None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def _content(body: Any) -> dict[str, Any]:
    """What a table shows of an answer: the token, the wrapping or the data, with the lease if any."""
    if not isinstance(body, dict):
        return {}
    if body.get("wrap_info"):
        given = body["wrap_info"]
        return {
            f"wrapping_{key}" if key in ("token", "accessor") else key: value for key, value in given.items()
        }
    if body.get("auth"):
        return {key: value for key, value in body["auth"].items() if value is not None}
    if "data" not in body:
        return dict(body)
    lease = {}
    if body.get("lease_id"):
        lease = {key: body[key] for key in ("lease_id", "lease_duration", "lease_renewable") if key in body}
        lease["lease_renewable"] = body.get("renewable", False)
    data = body["data"]
    return {**lease, **(data if isinstance(data, dict) else {"data": data} if data is not None else {})}
