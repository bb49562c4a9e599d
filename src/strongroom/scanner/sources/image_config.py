"""What an image says about itself: environment, commands, labels and the steps that built it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS = ("Entrypoint", "Cmd", "Shell", "OnBuild")


def config_texts(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and text of each part of an image configuration that people write.

    The names tell the format: `Env.env` reads like a dotenv file. Source: the
    OCI image specification 1.1, `config.md`, with Docker's additions.
    """
    run = _object(config.get("config"))
    built = _object(config.get("container_config"))
    yield "Env.env", _lines([*_list(run.get("Env")), *_list(built.get("Env"))])
    yield "Labels.properties", _lines([*_pairs(run.get("Labels")), *_pairs(built.get("Labels"))])
    commands = [" ".join(map(str, _list(part.get(name)))) for part in (run, built) for name in COMMANDS]
    health = _list(_object(run.get("Healthcheck")).get("Test"))
    yield "commands.sh", _lines([*commands, " ".join(map(str, health))])
    steps = [_object(step) for step in _list(config.get("history"))]
    yield "history.Dockerfile", _lines([f"{step.get('created_by', '')}" for step in steps])
    notes = [
        config.get("author", ""),
        config.get("comment", ""),
        *(step.get("comment", "") for step in steps),
    ]
    yield "notes.txt", _lines(notes)


def annotation_text(manifest: dict[str, Any]) -> str:
    """Return the annotations of a manifest, `key=value` a line."""
    return _lines(_pairs(manifest.get("annotations")))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _pairs(value: object) -> list[str]:
    return [f"{key}={text}" for key, text in _object(value).items()]


def _lines(values: list[Any]) -> str:
    return "\n".join(dict.fromkeys(str(value) for value in values if value))
