"""Puts `strongroom hook ai` into a coding assistant's settings, and takes it out again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import hook_scripts
from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = " hook ai"  # how our command ends


def _nested(command: str) -> dict[str, Any]:
    return {"matcher": "*", "hooks": [{"type": "command", "command": command}]}


def _flat(command: str) -> dict[str, Any]:
    return {"command": command}


# Where an assistant keeps its settings, below the project or the home; its events; the form of an entry.
AGENTS: dict[str, tuple[str, tuple[str, ...], Callable[[str], dict[str, Any]]]] = {
    "claude": (".claude/settings.json", ("PreToolUse", "UserPromptSubmit"), _nested),
    "cursor": (
        ".cursor/hooks.json",
        ("beforeSubmitPrompt", "beforeShellExecution", "beforeMCPExecution", "beforeReadFile"),
        _flat,
    ),
}


def install(agent: str, folder: Path) -> tuple[str, bool]:
    """Add our command to each event, once; the rest of the file stays. Returns it and whether it changed."""
    name, events, entry = AGENTS[agent]
    path = folder / name
    before = _read(path)
    settings = _without(before)
    command = f"{shlex.quote(hook_scripts.command())}{OURS}"
    if agent == "cursor":
        settings.setdefault("version", 1)
    for event in events:
        settings.setdefault("hooks", {}).setdefault(event, []).append(entry(command))
    if settings != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, settings)
    return str(path), settings != before


def uninstall(agent: str, folder: Path) -> str:
    """Take our command out; returns the file, "" where it was not in it."""
    path = folder / AGENTS[agent][0]
    before = _read(path)
    after = _without(before)
    if after == before:
        return ""
    _write(path, after)
    return str(path)


def _without(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings without our entries, and without events that are empty then."""
    events = settings.get("hooks", {})
    kept = {name: [item for item in entries if not _is_ours(item)] for name, entries in events.items()}
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    kept = {name: entries for name, entries in kept.items() if entries}
    return rest | ({"hooks": kept} if kept else {})


def _is_ours(entry: Any) -> bool:
    commands = [entry, *entry.get("hooks", ())] if isinstance(entry, dict) else []
    return any(str(c.get("command", "")).endswith(OURS) for c in commands if isinstance(c, dict))


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        settings = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidRequest(f"{path}: not JSON") from error
    if not isinstance(settings, dict) or not isinstance(settings.get("hooks", {}), dict):
        raise InvalidRequest(f"{path}: not the settings of an assistant")
    return settings


def _write(path: Path, settings: dict[str, Any]) -> None:
    path.write_text(json.dumps(settings, ensure_ascii=False, indent=2) + "\n", "utf-8")
