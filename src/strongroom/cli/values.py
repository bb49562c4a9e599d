"""Fields given to a command, without putting secrets where `ps` and the shell's history show them.

`name` asks for the value without echo, `name=-` reads standard input, `name=@FILE` a file,
`-` alone a JSON object from standard input, `@FILE` one from a file; `name=value` works too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import prompt
from strongroom.cli.errors import USAGE, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.cli.session import Session

FORMS = "NAME, NAME=-, NAME=@FILE, NAME=VALUE, - or @FILE"
SECRET_NAME = re.compile(r"pass|secret|token|key|credential|private|otp|pin\b", re.IGNORECASE)


def fields(session: Session, given: Iterable[str], *, secret: bool = False) -> dict[str, Any]:
    """Named values; with `secret` each of them is one. A name given twice makes a list."""
    found: dict[str, Any] = {}
    exposed: list[str] = []
    given = list(given)
    if sum(text.partition("=")[2] == "-" or text == "-" for text in given) > 1:
        raise Failure(
            USAGE,
            "standard input is named twice",
            "It holds one value.",
            "Read the others from files: NAME=@FILE",
        )
    for text in given:
        if text == "-" or (text.startswith("@") and "=" not in text):
            found.update(_object(prompt.piped() if text == "-" else text_of(text[1:]), text))
            continue
        name, equals, value = text.partition("=")
        if not name:
            raise Failure(
                USAGE, f"'{text}' names no field", "", "Write NAME, NAME=-, NAME=@FILE or NAME=VALUE."
            )
        if not equals:
            _add(found, name, _asked(session, name))
            continue
        if value not in ("-", "") and value[0] != "@" and (secret or SECRET_NAME.search(name)):
            exposed.append(name)
        _add(found, name, _value(session, value))
    if exposed and not session.args.no_warn:
        session.warn(
            f"{', '.join(exposed)}: a value on the command line is seen by `ps` and kept in the shell's "
            "history; give the name alone to be asked, or NAME=-, or NAME=@FILE (--no-warn: do not say so)"
        )
    return found


def pairs(given: Iterable[str]) -> dict[str, str]:
    """Plain `name=value` settings, none of them secret. Raises Failure for other forms."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise Failure(USAGE, f"'{text}' is not NAME=VALUE")
        found[name] = value
    return found


def _add(found: dict[str, Any], name: str, value: str) -> None:
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]


def _asked(session: Session, name: str) -> str:
    """The value that someone types; none where the request is shown without its values and not sent."""
    args = session.args
    if getattr(args, "output_policy", False) or (
        getattr(args, "output_curl", False) and not args.show_secrets
    ):
        return ""
    return prompt.hidden(name, f"Give {name}=- and pipe it in, or {name}=@FILE.").reveal()


def _value(session: Session, value: str) -> str:
    if value == "-":
        text = prompt.piped()
        if text.endswith("\n") and text.count("\n") == 1 and not session.args.no_warn:
            session.warn("the value ends with a newline; printf %s leaves it out")
        return text
    if value.startswith("@"):
        return text_of(value[1:])
    return value[1:] if value[:2] in ("\\@", "\\-") else value


def text_of(name: str) -> str:
    """A file's text, byte for byte. Raises Failure when it cannot be read or is not UTF-8."""
    try:
        return Path(name).read_bytes().decode()
    except OSError as error:
        raise Failure(USAGE, f"cannot read {name}", f"{error.strerror}.") from None
    except UnicodeDecodeError:
        raise Failure(
            USAGE, f"{name} is not UTF-8 text", "Values are text.", "Encode it first: base64 -w0"
        ) from None


def _object(text: str, source: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        where = "standard input" if source == "-" else source[1:]
        raise Failure(
            USAGE,
            f"{where} is not a JSON object",
            "It holds all fields at once.",
            'For example: {"name": "value"}',
        )
    return value
