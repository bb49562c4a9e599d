"""Username templates: the part of Go's template language that Vault's `username_template` uses.

Text with actions in `{{ }}`; an action is a pipeline of values and functions
(`printf "v-%s" (.RoleName | truncate 8) | lowercase`). No function reads, resolves or
calls anything. Source: Vault's username templating page.
"""

import base64
import hashlib
import re
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

from strongroom.crypto.random import random_text
from strongroom.errors import InvalidRequest

MAX_TEMPLATE = 1024
MAX_RANDOM = 256
TRIALS = 64

Value: TypeAlias = str | int
_LETTERS = string.ascii_letters + string.digits
_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_WORD = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>\d+)|(?P<field>\.\w+)|(?P<name>\w+)|(?P<mark>[()|]))"""
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may name; `now` in seconds since the epoch."""

    display_name: str
    role_name: str
    now: float

    def field(self, name: str) -> str:
        """A field's value, in a safe alphabet: whatever else a name holds becomes `-`."""
        known = {".DisplayName": self.display_name, ".RoleName": self.role_name}
        if name not in known:
            raise InvalidRequest(f"username template: there is no field {name}")
        return _UNSAFE.sub("-", known[name])


def render(template: str, facts: Facts) -> str:
    """Make a name. Raises InvalidRequest for a template that cannot be."""
    if len(template) > MAX_TEMPLATE:
        raise InvalidRequest(f"username template is longer than {MAX_TEMPLATE} characters")
    made = _ACTION.sub(lambda action: str(_Pipeline(action[1], facts).whole()), template)
    if "{{" in made or not made.strip() or not made.isprintable():
        raise InvalidRequest("username template does not make a name")
    return made


def check(template: str) -> None:
    """Refuse a template that cannot be rendered or makes the same name twice.

    Revoking one lease must never end another's account, so each name has to be new.
    Raises InvalidRequest.
    """
    facts = Facts("display-name", "role-name", 1_700_000_000.0)
    if len({render(template, facts) for _ in range(TRIALS)}) < TRIALS:
        raise InvalidRequest("username template makes the same name again: use random or uuid")


class _Pipeline:
    """One action, read word by word and evaluated on the way."""

    def __init__(self, text: str, facts: Facts) -> None:
        self._words = _words(text)
        self._at = 0
        self._facts = facts

    def whole(self) -> Value:
        value = self._pipeline()
        if self._at != len(self._words):
            raise InvalidRequest("username template: a parenthesis is not opened")
        return value

    def _next(self) -> tuple[str, str] | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _pipeline(self) -> Value:
        value = self._command([])
        while self._next() == ("mark", "|"):
            self._at += 1
            value = self._command([value])
        return value

    def _command(self, piped: list[Value]) -> Value:
        word = self._next()
        if word is not None and word[0] == "name":
            self._at += 1
            return self._call(word[1], [*self._operands(), *piped])
        operands = self._operands()
        if len(operands) != 1 or piped:
            raise InvalidRequest("username template: one value or a function is expected")
        return operands[0]

    def _operands(self) -> list[Value]:
        found: list[Value] = []
        while (word := self._next()) is not None and word not in (("mark", ")"), ("mark", "|")):
            self._at += 1
            found.append(self._operand(*word))
        return found

    def _operand(self, kind: str, text: str) -> Value:
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] == '"' else text[1:-1]
        if kind == "number":
            return int(text)
        if kind == "field":
            return self._facts.field(text)
        if kind == "name":
            return self._call(text, [])
        value = self._pipeline()
        if self._next() != ("mark", ")"):
            raise InvalidRequest("username template: a parenthesis is not closed")
        self._at += 1
        return value

    def _call(self, name: str, given: Sequence[Value]) -> Value:
        function = FUNCTIONS.get(name)
        if function is None:
            raise InvalidRequest(f"username template: there is no function {name}")
        try:
            return function(self._facts, *given)
        except (TypeError, ValueError):
            raise InvalidRequest(f"username template: {name} does not take these values") from None


@lru_cache(maxsize=256)
def _words(text: str) -> tuple[tuple[str, str], ...]:
    """An action's words, read once."""
    found: list[tuple[str, str]] = []
    at = 0
    text = text.strip()
    while at < len(text):
        word = _WORD.match(text, at)
        if word is None or word.lastgroup is None:
            raise InvalidRequest("username template: an action cannot be read")
        found.append((word.lastgroup, word[word.lastgroup]))
        at = word.end()
    return tuple(found)


def _random(facts: Facts, length: int) -> str:
    if not 1 <= length <= MAX_RANDOM:
        raise ValueError(length)
    return random_text(_LETTERS, length)


def _truncate(facts: Facts, length: int, text: str) -> str:
    if length < 1:
        raise ValueError(length)
    return text[:length]


def _truncate_sha256(facts: Facts, length: int, text: str) -> str:
    """As long as it may be; what is cut off is stood for by the first 8 digits of a digest."""
    if length <= 8:
        raise ValueError(length)
    kept = text[: length - 8]
    return text if len(text) <= length else kept + hashlib.sha256(text[length - 8 :].encode()).hexdigest()[:8]


def _printf(facts: Facts, form: str, *given: Value) -> str:
    if re.sub(r"%[sdv%]", "", form).count("%") or len(re.findall(r"%[sdv]", form)) != len(given):
        raise ValueError(form)
    values = iter(given)
    return re.sub(r"%[sdv%]", lambda mark: "%" if mark[0] == "%%" else str(next(values)), form)


_TIMES = {"2006": "%Y", "01": "%m", "02": "%d", "15": "%H", "04": "%M", "05": "%S"}


def _timestamp(facts: Facts, layout: str) -> str:
    moment = datetime.fromtimestamp(facts.now, UTC)
    return re.sub(r"2006|01|02|15|04|05", lambda part: moment.strftime(_TIMES[part[0]]), layout)


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "random": _random,
    "truncate": _truncate,
    "truncate_sha256": _truncate_sha256,
    "printf": _printf,
    "uppercase": lambda facts, text: text.upper(),
    "lowercase": lambda facts, text: text.lower(),
    "replace": lambda facts, old, new, text: text.replace(old, new),
    "sha256": lambda facts, text: hashlib.sha256(text.encode()).hexdigest(),
    "base64": lambda facts, text: base64.b64encode(text.encode()).decode(),
    "unix_time": lambda facts: str(int(facts.now)),
    "unix_time_millis": lambda facts: str(int(facts.now * 1000)),
    "timestamp": _timestamp,
    "uuid": lambda facts: str(uuid.uuid4()),
}
