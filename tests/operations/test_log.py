"""The operator's log is JSON lines from the first to the last, whoever reports, and quotes nothing."""

import asyncio
import io
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.server.log import OperatorLog
from strongroom.server.relay import Relay

CANARY = "s3cr3t-canary"


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What the relay writes while it hears every logger."""
    stream = io.StringIO()
    handler = Relay(OperatorLog("json", "info", stream))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_our_own_parts_are_heard_in_their_words(said: io.StringIO) -> None:
    logging.getLogger("strongroom.jobs.workers").warning("a job was %s", "taken over")
    (line,) = _lines(said.getvalue())
    assert (line["level"], line["event"]) == ("warning", "a job was taken over")
    assert line["logger"] == "strongroom.jobs.workers"


def test_a_library_is_named_and_not_quoted(said: io.StringIO) -> None:
    logging.getLogger("somewhere.else").error("cannot reach https://user:%s@host", CANARY, exc_info=False)
    (line,) = _lines(said.getvalue())
    assert (line["level"], line["logger"]) == ("error", "somewhere.else")
    assert line["at"].startswith("test_log.py:")
    assert CANARY not in said.getvalue()


def test_an_exception_is_its_class_and_place(said: io.StringIO) -> None:
    try:
        raise KeyError(CANARY)
    except KeyError:
        logging.getLogger("strongroom.inventory").exception("it goes on")
    first, second = _lines(said.getvalue())
    assert (first["event"], second["kind"]) == ("it goes on", "KeyError")
    assert CANARY not in said.getvalue()


async def test_what_a_task_loses_is_heard(said: io.StringIO) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": CANARY, "exception": ValueError(CANARY)})
    assert [line["logger"] for line in _lines(said.getvalue()) if "logger" in line] == ["asyncio"]
    assert CANARY not in said.getvalue()


def test_a_report_that_does_not_fit_its_arguments_is_still_a_line() -> None:
    stream = io.StringIO()
    wrong = logging.LogRecord("strongroom.jobs", logging.WARNING, __file__, 1, "%d jobs", ("many",), None)
    Relay(OperatorLog("json", "info", stream)).emit(wrong)
    assert _lines(stream.getvalue())[0]["level"] == "warning"


@pytest.mark.slow
def test_a_server_writes_json_lines_from_start_to_stop(tmp_path: Path) -> None:
    settings = tmp_path / "strongroom.toml"
    settings.write_text('[log]\nformat = "json"\n')
    settings.chmod(0o600)
    command = (sys.executable, "-m", "strongroom", "server", "--config", str(settings))
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        lines = []
        for text in server.stderr:
            lines.append(json.loads(text))
            if lines[-1]["event"] == "listening":
                server.send_signal(signal.SIGTERM)
    assert server.returncode == 0
    assert [line["event"] for line in lines[-3:]] == ["listening", "draining", "stopped"]
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
