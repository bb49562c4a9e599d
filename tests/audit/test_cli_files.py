"""Files that `strongroom audit` is told to read or write, and that are not what they should be."""

from pathlib import Path

import pytest

from strongroom.cli import main

from .builders import KEY, make_log


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    make_log(directory / "audit")
    return directory


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--key", "missing.vkey"],
        ["verify", "--checkpoint", "missing.vkey"],
        ["verify", "--proof", "missing.vkey", "--key", str(KEY)],
        ["prove", "--since", "missing.vkey"],
        ["prove", "3", "--output", "nowhere/missing.vkey"],
    ],
)
def test_a_file_that_is_not_there_is_said_to_be_missing(
    pristine: Path,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *arguments, "--data", str(pristine)]) == 2
    flag = arguments[-2] if arguments[-1] != str(KEY) else "--proof"
    assert f"{flag}: {'nowhere/' if 'nowhere' in arguments[-1] else ''}missing.vkey: no such file" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("content", [b"\x80\xff", b"text", b"a+b+c"])
def test_a_file_that_is_no_key_is_refused(pristine: Path, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    assert main(["audit", "verify", "--data", str(pristine), "--key", str(tmp_path / "key")]) == 2
