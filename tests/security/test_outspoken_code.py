"""A lint of the source: no log call and no error message takes a value that may be a secret.

Two rules over the syntax tree of every module: an argument of a log call, and an f-string or argument
of what is raised, may not name a body, fields, a token's text, a password, a share or a revealed value.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "src" / "strongroom").rglob("*.py"))
SECRET_NAMES = {
    "body",
    "fields",
    "token",
    "password",
    "secret",
    "secret_id",
    "share",
    "plaintext",
    "root_key",
    "key",
}
SECRET_CALLS = {"reveal"}
LOGGERS = {"log", "logger", "logging"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
NOT_SECRET = {"key": "names of storage keys, settings and public keys are told"}
HARMLESS = {
    ("kinds/mysql.py", "password"): "handed over to be struck from the driver's message",
    ("kinds/mysql.py", "secret"): "handed over to be struck from the driver's message",
    ("kinds/postgresql.py", "password"): "handed over to be struck from the driver's message",
    ("kinds/postgresql.py", "secret"): "handed over to be struck from the driver's message",
    ("cli/client.py", "body"): "the server's answer to a refused request, for the command line's own message",
    ("server/seal_backends.py", "token"): "the label of a PKCS#11 token",
    ("core/expiry.py", "token"): "a token's storage name, which is a keyed hash",
}


def leaks(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each value that may be a secret inside a log call or a raise."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from named(node.exc)
        elif isinstance(node, ast.Call) and is_log(node.func):
            yield from named(node)


def is_log(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and isinstance(function.value, ast.Name | ast.Attribute)
        and (function.value.id if isinstance(function.value, ast.Name) else function.value.attr).strip("_")
        in LOGGERS
    )


def named(call: ast.Call) -> Iterator[tuple[int, str]]:
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        for node in ast.walk(argument):
            name = (
                node.id
                if isinstance(node, ast.Name)
                else node.attr
                if isinstance(node, ast.Attribute)
                else ""
            )
            if name in (SECRET_NAMES | SECRET_CALLS) - NOT_SECRET.keys():
                yield getattr(node, "lineno", 0), name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_module_says_a_secret(path: Path) -> None:
    if "scanner" in path.parts:
        return  # a scanner's findings are masked by its reports, which have tests of their own
    name = "/".join(path.parts[-2:])
    found = leaks(ast.parse(path.read_text("utf-8")))
    assert not [(line, said) for line, said in found if (name, said) not in HARMLESS]


@pytest.mark.parametrize(
    "text",
    [
        'raise InvalidRequest(f"bad value {fields}")',
        'raise InvalidRequest(f"bad {ctx.request.body!r}")',
        'raise PermissionDenied("no " + token.reveal())',
        'log.warning("refused %s", request.token)',
        'self._log.info("seen", secret=req.password)',
    ],
)
def test_the_lint_sees(text: str) -> None:
    assert list(leaks(ast.parse(text)))
