"""The shape of the code: file and function sizes, and what may not appear."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 300, 40
BANNED_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "manager"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION, f"{node.name} is too long"


def test_no_module_is_a_drawer() -> None:
    assert not {path.stem for path in SOURCES} & BANNED_NAMES


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert not silent


def test_only_the_scanners_own_workers_exchange_pickles() -> None:
    users = {path.parent.name for path in SOURCES if "import pickle" in path.read_text("utf-8")}
    assert users <= {"scanner"}
