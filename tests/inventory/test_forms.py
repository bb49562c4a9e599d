"""Every form of a stored value is found through the command, and is named by where it is stored."""

from pathlib import Path

import pytest

from tests.inventory.conftest import Shell
from tests.inventory.planted import FORMS, marked, value


def known(sr: Shell, *words: str | Path, stdin: str | bytes = b"") -> list[dict[str, object]]:
    """The findings of a scan that are values of the vault."""
    ran = sr("scan", "--server", "--format", "json", *words, stdin=stdin)
    assert ran.code in (0, 1), ran.err
    findings: list[dict[str, object]] = ran.json["findings"]
    return [found for found in findings if found["detector"] == "strongroom.known_value"]


@pytest.mark.parametrize("made", [value, marked])
@pytest.mark.parametrize("form", FORMS)
def test_a_stored_value_is_found_in_any_form(sr: Shell, form: str, made: type[str]) -> None:
    text = made(form)
    sr.ok("kv", "put", f"secret/forms/{made.__name__}", "password=-", stdin=text)
    planted = sr.home / "planted.txt"
    planted.write_text(f"first line\nsomething {FORMS[form](text)} more\n")
    found = known(sr, planted)
    assert len(found) == 1, form
