"""What `--help` says, beside recorded text. STRONGROOM_UPDATE_GOLDEN=1 records it anew."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom import cli
from strongroom.cli.config import SETTINGS
from strongroom.cli.parsing import Parser

GOLDEN = Path(__file__).parent.parent / "golden" / "cli"
OWN = (
    "adopt", "auth", "completion", "delete", "doctor", "inject", "inventory", "job", "kv", "lease", "list", "login", "namespace", "operator",
    "path-help", "policy", "read", "rotate", "rotation", "run", "secrets", "status", "token", "unwrap", "whoami", "wrap", "write",
)  # fmt: skip
SHARED = re.compile(r"\n(?:connection|output|request):\n(?:  .*\n)+")


def _walk(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for part in action.choices.values():
                yield from _walk(part)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("name", OWN)
def test_the_help_is_as_recorded(name: str) -> None:
    texts = [part.format_help() for part in _walk(cli.parser(name))]
    # The options that all share are recorded once, with `whoami`.
    shown = "\n".join(text if name == "whoami" else SHARED.sub("", text) for text in texts)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("STRONGROOM_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_each_command_is_documented(repository: Path) -> None:
    page = (repository / "docs" / "cli.md").read_text()
    missing = [
        part.prog
        for name in OWN
        for part in _walk(cli.parser(name))
        if isinstance(part, Parser)
        and not part._nests()
        and part.prog.removeprefix("strongroom ") not in page
    ]
    assert not missing


def test_every_setting_is_documented(repository: Path) -> None:
    page = (repository / "docs" / "cli.md").read_text()
    assert [
        s.name for s in SETTINGS if f"`{s.name}`" not in page or f"STRONGROOM_{s.variable}" not in page
    ] == []


def test_every_command_is_in_the_overview(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in cli.COMMANDS if f"\n  {name} " not in shown] == []


def test_starting_imports_nothing_heavy() -> None:
    heavy = (
        "httpx",
        "msgspec",
        "cryptography",
        "asyncio",
        "http.client",
        "email",
        "ssl",
        "dataclasses",
        "sqlite3",
    )
    code = (
        "import sys\nfrom strongroom import cli\nfrom strongroom.cli import session\n"
        "cli.parser('kv').parse_args(['get', 'secret/a'])\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
