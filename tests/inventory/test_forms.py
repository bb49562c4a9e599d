"""Every form of a stored value is found through the command, and is named by where it is stored."""

import json
from pathlib import Path
from typing import Any

from tests.inventory.conftest import Shell
from tests.inventory.planted import FORMS, marked, value


def known(sr: Shell, *words: str | Path, stdin: str | bytes = b"") -> list[dict[str, Any]]:
    """The findings of a scan that are values of the vault."""
    ran = sr("scan", "--server", "--format", "json", *words, stdin=stdin)
    assert ran.code in (0, 1), ran.err
    findings: list[dict[str, Any]] = ran.json["findings"]
    return [found for found in findings if found["detector"] == "strongroom.known_value"]


def test_a_stored_value_is_found_in_any_form(sr: Shell) -> None:
    """A file for each form, each with a value of its own: one finding each, named by its field."""
    values = {f"{made.__name__} {form}": made(form) for made in (value, marked) for form in FORMS}
    sr.ok("kv", "put", "secret/forms", "-", stdin=json.dumps(values))
    for name, text in values.items():
        planted = FORMS[name.partition(" ")[2]](text)
        (sr.home / f"{name.replace(',', '')}.txt").write_text(f"first line\nsomething {planted} more\n")
    held = {
        occurrence["path"]: found["reasons"]
        for found in known(sr, ".")
        for occurrence in found["occurrences"]
    }
    assert held == {
        f"{name.replace(',', '')}.txt": [f"is secret/forms version 1, field {name}"] for name in values
    }
