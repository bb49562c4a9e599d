"""Playbooks are data: a TOML file for each kind of secret, and those an operator adds through the API."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from strongroom.errors import InvalidRequest, NotFound
from strongroom.findings.record import SEVERITIES, Severity

Mode = Literal["automatic", "approval", "manual"]
Deed = Literal["match", "live", "rotate", "notify", "verify_dead", "rescan", "by_hand", "close"]
VAULT = "vault"
OTHERWISE = "by-hand"
LARGEST = 64 << 10
MAX_STEPS = 20
DAY = 86400


class Step(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One step. `text` is what a person does where the server cannot; `wait` is in seconds."""

    do: Deed
    name: Annotated[str, Meta(max_length=60, pattern=r"^[\w-]*$")] = ""
    text: Annotated[str, Meta(max_length=2000)] = ""
    wait: Annotated[int, Meta(ge=0, le=90 * DAY)] = 0

    @property
    def called(self) -> str:
        """The step's name in this playbook."""
        return self.name or self.do


class Playbook(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The steps that contain one kind of leak. `grace` is, by severity, how long the old one may go on."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    step: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=MAX_STEPS)]
    mode: Mode = "approval"
    grace: dict[Severity, Annotated[int, Meta(ge=0, le=90 * DAY)]] = {}
    docs: Annotated[str, Meta(max_length=300)] = ""

    def check(self) -> None:
        """Raise InvalidRequest for steps that make no sense together."""
        called = [step.called for step in self.step]
        if len(set(called)) < len(called):
            raise InvalidRequest("two steps have the same name; give one a 'name'")
        if self.step[-1].do != "close" or called.count("close") > 1:
            raise InvalidRequest("the last step, and no other, is 'close'")
        if any(step.do == "by_hand" and not step.text for step in self.step):
            raise InvalidRequest("a step by hand says in 'text' what is to be done")
        order = [step.do for step in self.step]
        if "verify_dead" in order and "rotate" in order[order.index("verify_dead") :]:
            raise InvalidRequest("a secret is proved dead after it is rotated, not before")


def parse(text: str) -> Playbook:
    """Read a playbook. Raises InvalidRequest, without quoting the text."""
    if len(text) > LARGEST:
        raise InvalidRequest(f"a playbook has at most {LARGEST} characters")
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the playbook is not TOML: {_brief(error)}") from None
    try:
        made = msgspec.convert(tree, Playbook)
    except msgspec.ValidationError as error:
        where = str(error).partition(" - at ")[2] or str(error).partition(" - ")[0]
        raise InvalidRequest(f"the playbook is wrong at {where.strip('`$.') or 'its top'}") from None
    made.check()
    return made


@cache
def built_in() -> Mapping[str, Playbook]:
    """The playbooks that come with the server, by name."""
    folder = files("strongroom.remediation") / "playbooks"
    texts = {each.name: each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".toml")}
    return {name.removesuffix(".toml"): parse(text) for name, text in sorted(texts.items())}


def text_of(name: str) -> str:
    """A built-in playbook as it is written. Raises NotFound."""
    if name not in built_in():
        raise NotFound(f"there is no playbook '{name}'")
    return (files("strongroom.remediation") / "playbooks" / f"{name}.toml").read_text("utf-8")


def grace_of(playbook: Playbook, severity: Severity) -> int:
    """Seconds that the old secret may go on working: that of the next milder severity where none is said."""
    rank = SEVERITIES.index(severity)
    known = [playbook.grace[each] for each in SEVERITIES[: rank + 1] if each in playbook.grace]
    return min(known) if known else 0


def _brief(error: Exception) -> str:
    return str(error)[:200] if isinstance(error, tomllib.TOMLDecodeError) else "nested too deeply"
