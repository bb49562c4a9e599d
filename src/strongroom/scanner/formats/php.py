"""WordPress' `wp-config.php`: passwords, keys and salts in `define`, whatever characters they hold."""

import re
from collections.abc import Iterator

from strongroom.scanner.falsealarms import placeholder
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.lazy_pattern import lazy

_DEFINE = lazy(
    (
        rb"^\s*define\s*\(\s*[\"'](?P<name>\w*(?:PASSWORD|PASS|_KEY|_SALT|SECRET|"
        rb"TOKEN))[\"']\s*,\s*(?P<q>[\"'])(?P<v>(?:(?!(?P=q))[^\n\\]|\\.)+)(?P=q)\s*\)"
    ),
    re.MULTILINE,
)


def wp_config(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield what `define` gives the names of passwords, keys and salts."""
    for match in _DEFINE.finditer(data):
        name = match["name"].decode("ascii")
        value = match["v"].decode("utf-8", "replace")
        sample = value.startswith("put your") or (len(value) < 40 and placeholder(value))
        if not sample:
            kind = "password" if "PASS" in name else "encryption_key"
            yield Candidate(
                "generic." + kind,
                match.start("v"),
                match.end("v"),
                match["v"],
                name,
                0.98,
                ("a constant of WordPress' configuration",),
            )
