"""`strongroom hook ai`: keeps secrets out of what a coding assistant sends, runs and reads.

Reads one JSON event on standard input and answers on standard output, in the
form of the assistant that sent it: `hookSpecificOutput.permissionDecision` or
`decision: block` (Claude Code, Codex, Gemini, VS Code), `permissionDecision`
(Copilot), `permission` and `continue` (Cursor), `cancel` (Cline), exit code 2
(Windsurf, Kiro). Everything that is text in the event is scanned, and the file
that a reading tool is about to read. An event that cannot be read is allowed,
with a warning, unless --fail-closed.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from strongroom.scanner import rules, scan
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.finding import CONFIDENCE_RANK, mask
from strongroom.scanner.fingerprint import fingerprint
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.suppress import markers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.finding import Match

LIMIT = 8 << 20  # bytes of an event or a file that are read
DEEPEST = 40  # levels of JSON
FLOOR = CONFIDENCE_RANK["medium"]
READERS = (
    "read", "read_file", "readfile", "view", "open_file", "notebookread", "beforereadfile", "pre_read_code",
)  # fmt: skip
TOOLS = ("tool_name", "toolName", "agent_action_name", "hook_event_name")
ARGUMENTS = ("tool_input", "toolArgs", "tool_info", "parameters")
PATHS = ("file_path", "filePath", "path", "target_file", "notebook_path")
DENIED = 2  # the exit code of a no for those who do not read the answer
SKIPPED = {
    "session_id", "conversation_id", "generation_id", "transcript_path", "cwd", "hook_event_name",
    "tool_use_id", "workspace_roots", "permission_mode", "model", "user_email", "cursor_version", "timestamp",
}  # fmt: skip


def run(fail_closed: bool) -> int:
    """Answer one event."""
    event: Any = {}
    reason = ""
    try:
        event = json.loads(sys.stdin.buffer.read(LIMIT + 1))
        if not isinstance(event, dict):
            raise TypeError(type(event).__name__)
        found = list(_found(event))
        reason = _reason(found) if found else ""
    except (ValueError, TypeError, RecursionError) as error:
        event = event if isinstance(event, dict) else {}
        sys.stderr.write(f"strongroom: this event could not be scanned ({type(error).__name__})\n")
        reason = "strongroom could not scan this, so it is not allowed." if fail_closed else ""
    return _answer(event, reason)


def _found(event: dict[str, Any]) -> Iterator[tuple[str, Match]]:
    """Each secret in the event, with where it stands."""
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    for where, text in _texts(event):
        blob = Blob("", text, Provenance(where))
        for _, match, place in scan.look(matcher, blob):
            allowed = place.allow and markers.holds(place.allow, fingerprint(match.secret))[0]
            if CONFIDENCE_RANK[match.confidence] >= FLOOR and not allowed:
                yield where, match


def _texts(event: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for key, value in event.items():
        if key not in SKIPPED:
            yield from _strings(key, value, 0)
    path = _reads(event)
    if path:
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                yield path, file.read(LIMIT)
        except OSError:
            return  # the tool will fail in the same way


def _strings(where: str, value: Any, depth: int) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, str):
        yield where, value.encode("utf-8", "surrogatepass")
    elif depth < DEEPEST and isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(f"{where}.{key}", inner, depth + 1)
        yield from _pairs(where, value)
    elif depth < DEEPEST and isinstance(value, list):
        for inner in value:
            yield from _strings(where, inner, depth + 1)


def _pairs(where: str, value: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Short values with their names, as a file of settings: a name makes a plain password one."""
    lines = [f"{k} = {v}" for k, v in value.items() if isinstance(v, str) and "\n" not in v and len(v) < 200]
    if lines:
        yield f"{where}.env", "\n".join(lines).encode("utf-8", "surrogatepass")


def _reads(event: dict[str, Any]) -> str:
    """The file that the event is about to read, "" for none."""
    inner = event.get("preToolUse")
    call = inner if isinstance(inner, dict) else event
    tool = next((call[key] for key in TOOLS if isinstance(call.get(key), str)), "")
    if tool.lower() not in READERS:
        return ""
    given = next((call[key] for key in ARGUMENTS if call.get(key)), call)
    if isinstance(given, str):
        with suppress(ValueError):  # arguments that are no JSON name no file
            given = json.loads(given)
    path = next((given[key] for key in PATHS if isinstance(given, dict) and given.get(key)), "")
    cwd = event.get("cwd")
    return os.path.join(cwd if isinstance(cwd, str) else "", path) if isinstance(path, str) else ""  # noqa: PTH118


def _reason(found: list[tuple[str, Match]]) -> str:
    seen: dict[bytes, str] = {}
    for where, match in found:
        seen.setdefault(match.secret, f"{match.detector.name} ({mask(match.secret)}) in {where}")
    told = "; ".join(list(seen.values())[:5])
    return (
        f"strongroom found {'a secret' if len(seen) == 1 else 'secrets'}: {told}."
        " Use a reference to it (an environment variable, the vault) instead of the value."
    )


def _answer(event: dict[str, Any], reason: str) -> int:
    """Write the decision as the assistant that sent `event` reads it; exit 0 where that is what counts."""
    name = str(event.get("hook_event_name") or event.get("hookEventName") or "")
    if "preToolUse" in event or "clineVersion" in event:
        answer: dict[str, Any] = {"cancel": bool(reason)} | ({"errorMessage": reason} if reason else {})
    elif not name and "toolName" in event:
        verdict = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        answer = verdict if reason else {}
    else:
        answer = decision(name, "cursor_version" in event, reason)
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    by_code = "agent_action_name" in event or (name == "preToolUse" and "cursor_version" not in event)
    if by_code and reason:
        sys.stderr.write(reason + "\n")
        return DENIED
    return 0


def decision(name: str, cursor: bool, reason: str) -> dict[str, Any]:
    """The answer for an event of this name; `reason` is why not, "" for yes."""
    if cursor or (name[:1].islower() and name.startswith("before")):
        if name.lower() == "beforesubmitprompt":
            return {"continue": not reason} | ({"user_message": reason} if reason else {})
        told = {"user_message": reason, "agent_message": reason} if reason else {}
        return {"permission": "deny" if reason else "allow"} | told
    if name.lower() == "pretooluse":
        kind = {"hookEventName": "PreToolUse"}
        verdict = {"permissionDecision": "deny", "permissionDecisionReason": reason} if reason else {}
        return {"hookSpecificOutput": kind | verdict} | verdict if reason else {}
    return {"decision": "block", "reason": reason} if reason else {}
