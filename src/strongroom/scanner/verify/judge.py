"""What an answer says: live, dead or unknown, and what the credential reaches.

Only what the table names counts. 429 and 5xx never tell, and neither does a page
for people: a wall in between, or an API that has moved, answers with HTML.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.scanner.finding import printable
from strongroom.scanner.verify import call as calls

if TYPE_CHECKING:
    from strongroom.scanner.verify.call import Call

LIVE, DEAD, UNKNOWN, CANARY = "live", "dead", "unknown", "canary"
WALLS = frozenset({400, 403, 404, 405, 406})  # statuses with which firewalls answer, too
LONGEST = 200  # characters of one thing reached
UNAUTHORIZED = 401


class Answer(NamedTuple):
    """What came back. Header names are in lower case; `cut` says that the body was longer than is read."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool = False

    def __repr__(self) -> str:
        return f"Answer({self.status})"


class Verdict(NamedTuple):
    """The validity, why it is unknown, and what the credential reaches (name, value)."""

    validity: str
    why: str = ""
    reach: tuple[tuple[str, str], ...] = ()


def judge(call: Call, answer: Answer, secret: str) -> Verdict:
    """Judge by the table. `secret` is kept out of what is told."""
    status, text = answer.status, answer.body.decode("utf-8", "replace")
    if status in calls.NEVER_TELLING or status >= 500:
        return Verdict(UNKNOWN, f"status {status}")
    page = "html" in answer.headers.get("content-type", "").lower()
    if status in call.live and _fits(call.live_body, text, plain=not page):
        content = _content(answer)
        if content is None and "json" in answer.headers.get("content-type", "").lower():
            return Verdict(UNKNOWN, f"status {status} with a body that is not what it says")
        return Verdict(LIVE, "", tuple(_reach(call, answer, content, secret)))
    if status in call.dead and _dies(call, status, text, page=page):
        return Verdict(DEAD)
    moved = " (a redirect, not followed)" if 300 <= status < 400 else " (a web page)" if page else ""
    return Verdict(UNKNOWN, f"status {status}{moved}")


def _fits(pattern: str, text: str, *, plain: bool) -> bool:
    return calls.pattern(pattern).search(text) is not None if pattern else plain


def _dies(call: Call, status: int, text: str, *, page: bool) -> bool:
    """A 401 that cannot be live tells by itself; else `dead_body` decides, if there is one."""
    if status == UNAUTHORIZED and status not in call.live:
        return True
    if call.dead_body:
        return calls.pattern(call.dead_body).search(text) is not None
    return not (page and status in WALLS)


def _content(answer: Answer) -> Any:
    """The body as JSON; {} for one without any, None for what is no JSON."""
    if not answer.body.strip() or answer.cut:
        return {}
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _reach(call: Call, answer: Answer, content: Any, secret: str) -> list[tuple[str, str]]:
    found = []
    for path in call.reach:
        header = path.removeprefix("header:")
        value = answer.headers.get(header.lower()) if header != path else _at(content, path)
        text = _text(value)
        if text and secret not in text:
            found.append((header if header != path else _name(path), text))
    return found


def _at(content: Any, path: str) -> Any:
    """The value at a path like `data.0.name`; `*` stands for every item of a list."""
    steps = path.split(".")
    for number, step in enumerate(steps):
        if step == "*" and isinstance(content, list):
            rest = ".".join(steps[number + 1 :])
            return [_at(item, rest) if rest else item for item in content[:20]]
        if isinstance(content, list) and step.isdecimal() and int(step) < len(content):
            content = content[int(step)]
        elif isinstance(content, dict):
            content = content.get(step)
        else:
            return None
    return content


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value if isinstance(item, str | int))
    if isinstance(value, bool | dict) or value in (None, ""):
        return ""
    text = printable(str(value).encode())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _name(path: str) -> str:
    """What a value is called: the last words of its path, without positions."""
    words = [step for step in path.split(".") if not step.isdecimal() and step not in ("*", "data")]
    return " ".join(words[-2:]).replace("_", " ") or "item"
