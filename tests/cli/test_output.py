"""Tables: a line for each record, whatever its cells hold."""

import pytest

from strongroom.cli.output import Output


def test_a_cell_cannot_look_like_another_record(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("table", None, show_secrets=False, color="never", environ={})
    output.rows([{"place": "a\nb  resolved", "state": "open"}])
    assert capsys.readouterr().out.splitlines() == ["PLACE           STATE", "a\\nb  resolved  open"]
