"""The hook of coding assistants: each one's event, each one's answer."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from strongroom import cli
from strongroom.cli import hook_ai, install_ai
from tests.scanner.hooks.conftest import TOKEN


def _ask(
    event: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> Any:
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert cli.main(["hook", "ai", *options]) == 0
    out = capsys.readouterr().out
    assert TOKEN not in out
    return json.loads(out)


def test_a_command_with_a_secret_is_denied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": f"curl -u x:{TOKEN}"},
    }
    answer = _ask(event, monkeypatch, capsys)
    told = answer["hookSpecificOutput"]
    assert (told["hookEventName"], told["permissionDecision"]) == ("PreToolUse", "deny")
    assert "GitHub personal access token" in told["permissionDecisionReason"]


def test_a_clean_command_is_left_to_the_assistant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls $TOKEN"}}
    assert _ask(event, monkeypatch, capsys) == {}


def test_a_prompt_with_a_secret_is_blocked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _ask({"hook_event_name": "UserPromptSubmit", "prompt": f"use {TOKEN}"}, monkeypatch, capsys)
    assert answer["decision"] == "block"


def test_cursor_is_answered_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = {"hook_event_name": "beforeShellExecution", "cursor_version": "2", "command": f"echo {TOKEN}"}
    assert _ask(shell, monkeypatch, capsys)["permission"] == "deny"
    assert _ask({**shell, "command": "ls"}, monkeypatch, capsys) == {"permission": "allow"}
    prompt = {"hook_event_name": "beforeSubmitPrompt", "cursor_version": "2", "prompt": TOKEN}
    assert _ask(prompt, monkeypatch, capsys)["continue"] is False


def test_a_file_is_scanned_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.env").write_text(f"TOKEN={TOKEN}\n")
    event = {"hook_event_name": "PreToolUse", "tool_name": "Read", "cwd": str(tmp_path)}
    denied = _ask({**event, "tool_input": {"file_path": "app.env"}}, monkeypatch, capsys)
    assert denied["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert _ask({**event, "tool_input": {"file_path": "absent"}}, monkeypatch, capsys) == {}


def test_a_named_password_in_the_arguments_is_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {"hook_event_name": "PreToolUse", "tool_name": "mcp__db__connect"}
    answer = _ask({**event, "tool_input": {"db_password": "Tr0ub4dor&3xK9!"}}, monkeypatch, capsys)
    assert answer["permissionDecision"] == "deny"


@pytest.mark.parametrize("event", [b"no json", b"[1]", b"", b'"x"', b"[" * 100_000])
def test_what_cannot_be_read_is_allowed_unless_closed(
    event: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ask(event, monkeypatch, capsys) == {}
    assert _ask(event, monkeypatch, capsys, "--fail-closed")["decision"] == "block"


@pytest.mark.parametrize(
    ("event", "key", "value", "code"),
    [
        ({"toolName": "bash", "toolArgs": f'{{"command": "echo {TOKEN}"}}'}, "permissionDecision", "deny", 0),
        ({"toolName": "view", "toolArgs": '{"path": "app.env"}'}, "permissionDecision", "deny", 0),
        (
            {"preToolUse": {"toolName": "read_file", "parameters": {"path": "app.env"}}},
            "cancel",
            True,
            0,
        ),
        (
            {"agent_action_name": "pre_read_code", "tool_info": {"file_path": "app.env"}},
            "decision",
            "block",
            2,
        ),
        (
            {"hook_event_name": "preToolUse", "tool_name": "execute_bash", "tool_input": {"command": TOKEN}},
            "permissionDecision",
            "deny",
            2,
        ),
    ],
    ids=["copilot", "copilot-view", "cline", "windsurf", "kiro"],
)
def test_each_assistant_reads_its_own_no(
    event: dict[str, Any],
    key: str,
    value: object,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "app.env").write_text(f"TOKEN={TOKEN}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(event).encode())))
    assert cli.main(["hook", "ai"]) == code
    out, err = capsys.readouterr()
    assert json.loads(out)[key] == value
    assert ("GitHub" in err) == (code == 2)


def test_a_secret_seen_twice_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": f"a {TOKEN}"}}
    reason = _ask(event, monkeypatch, capsys)["permissionDecisionReason"]
    assert reason.count("GitHub") == 1
    assert "found a secret" in reason


def test_an_allowed_secret_is_allowed_here_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {"hook_event_name": "UserPromptSubmit", "prompt": f"use {TOKEN} # strongroom:allow a sample"}
    assert _ask(event, monkeypatch, capsys) == {}


def test_after_a_tool_ran_its_output_is_kept_from_the_model() -> None:
    assert hook_ai.decision("PostToolUse", False, "why") == {"decision": "block", "reason": "why"}
    assert hook_ai.decision("PostToolUse", False, "") == {}


@pytest.mark.parametrize("agent", ["claude", "cursor"])
def test_an_assistants_settings_keep_what_else_is_in_them(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / install_ai.AGENTS[agent][0]
    path.parent.mkdir()
    before = {"theme": "dark", "hooks": {"PreToolUse": [{"hooks": [{"command": "other hook"}]}]}}
    path.write_text(json.dumps(before))
    for _ in range(2):
        assert cli.main(["install", "--ai", agent, "--repository", str(tmp_path)]) == 0
    assert install_ai.install(agent, tmp_path) == (str(path), False)
    assert path.read_text().count(install_ai.OURS) == len(install_ai.AGENTS[agent][1])
    assert cli.main(["uninstall", "--ai", agent, "--repository", str(tmp_path)]) == 0
    after = json.loads(path.read_text())
    assert {key: after[key] for key in before} == before
    assert cli.main(["uninstall", "--ai", agent, "--repository", str(tmp_path)]) == 0
    assert "no hook of strongroom" in capsys.readouterr().err
    path.write_text("no json")
    assert cli.main(["install", "--ai", agent, "--repository", str(tmp_path)]) == 2
