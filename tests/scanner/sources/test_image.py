"""Saved images: every layer once, deleted files and the configuration too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.scanner.sources.image import ImageSource
from tests.scanner.archives.making import COMPRESS, tarred
from tests.scanner.sources.images import docker_saved, found, layout, write

FILES = {"etc/app.env": b"planted in the first layer", "opt/keep": b"kept", "srv/two": b"second layer"}
CONFIG = {
    "Env.env": b"PATH=/bin\nAPI_KEY=planted-in-env",
    "Labels.properties": b"note=planted-in-label",
    "commands.sh": b"serve --password planted-in-cmd\nCMD curl -u planted-in-health",
    "history.Dockerfile": b"RUN deploy planted-in-history",
    "notes.txt": b"planted-in-comment",
}
OCI = {
    **FILES,
    **CONFIG,
    "srv/three": b"third layer",
    "annotations.properties": b"note=planted-in-annotation",
}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_oci_layout_in_a_folder_and_in_a_tar(tmp_path: Path, count: int) -> None:
    folder = write(tmp_path / "layout", layout())
    source = ImageSource(str(folder))
    assert found(source, count) == OCI
    saved = tmp_path / "image.tar"
    saved.write_bytes(tarred({"./" + name: data for name, data in layout().items()}))
    source = ImageSource(str(saved))
    assert found(source, count) == OCI
    assert source.warnings == []


def test_an_image_saved_by_docker(tmp_path: Path) -> None:
    saved = tmp_path / "image.tar"
    saved.write_bytes(tarred(docker_saved()))
    source = ImageSource(str(saved))
    assert found(source) == {**FILES, **CONFIG}
    assert source.warnings == []
    assert source.trace(["x"]) == {}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_saved_image_is_read_through(tmp_path: Path, suffix: str) -> None:
    saved = tmp_path / f"image.tar{suffix}"
    saved.write_bytes(COMPRESS[suffix](tarred(docker_saved())))
    source = ImageSource(str(saved))
    texts = found(source)
    assert {name: texts[name] for name in FILES} == FILES
    assert b"planted-in-env" in texts["cfg.json"]
    assert source.warnings == []


def test_a_layer_names_its_digest(tmp_path: Path) -> None:
    folder = write(tmp_path / "layout", layout())
    blobs = [b for part in ImageSource(str(folder)).shards(1) for b in part()]
    shown = next(b.provenance.shown for b in blobs if b.provenance.name == "etc/app.env")
    assert shown.startswith(f"{folder}!layer sha256:")
    assert shown.endswith("!etc/app.env")


def test_a_missing_and_a_damaged_layer_are_warnings(tmp_path: Path) -> None:
    files = docker_saved()
    del files["bb/layer.tar"]
    files["aa/layer.tar"] = files["aa/layer.tar"][:520]
    saved = tmp_path / "image.tar"
    saved.write_bytes(tarred(files))
    source = ImageSource(str(saved))
    assert set(found(source)) == set(CONFIG)
    assert any("has no bb/layer.tar" in warning for warning in source.warnings)
    assert any("layer aa: damaged" in warning for warning in source.warnings)


def test_manifests_that_are_not_there_are_warnings(tmp_path: Path) -> None:
    files = layout()
    listed = json.loads(files["index.json"])
    listed["manifests"].append({"digest": "sha256:" + "0" * 64, "platform": {"architecture": "arm64"}})
    files["index.json"] = json.dumps(listed).encode()
    source = ImageSource(str(write(tmp_path / "layout", files)))
    assert found(source) == OCI
    assert [w for w in source.warnings if "is named and not there" in w]


@pytest.mark.parametrize(
    "change",
    [
        {"index.json": b"{"},
        {"index.json": b'"text"'},
        {"index.json": b'{"manifests": [{"digest": "sha256:../../../../etc/passwd"}]}'},
        {"index.json": b"[" * 100_000},
        {"index.json": b'{"manifests": {"a": 1}}'},
        {"index.json": b'{"manifests": [3, null]}'},
        {"oci-layout": b"", "index.json": b'{"manifests": [{"digest": "../../secret"}]}'},
    ],
)
def test_hostile_layouts_are_refused_or_hold_nothing(tmp_path: Path, change: dict[str, bytes]) -> None:
    source = ImageSource(str(write(tmp_path / "layout", {**layout(), **change})))
    try:
        texts = found(source)
    except StrongroomError:
        return
    assert texts == {}


@pytest.mark.parametrize(
    "manifest", ["[3]", "{}", '[{"Config": 3}]', '[{"Config": "cfg.json", "Layers": 3}]']
)
def test_a_hostile_docker_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    saved = tmp_path / "image.tar"
    saved.write_bytes(tarred({**docker_saved(), "manifest.json": manifest.encode()}))
    with pytest.raises(StrongroomError):
        found(ImageSource(str(saved)))


def test_a_changed_configuration_is_noticed(tmp_path: Path) -> None:
    files = layout()
    name = next(name for name, data in files.items() if b"planted-in-env" in data)
    files[name] = files[name].replace(b"planted-in-env", b"something-else!")
    with pytest.raises(StrongroomError, match="does not match"):
        found(ImageSource(str(write(tmp_path / "layout", files))))


def test_a_layer_that_is_a_link_out_of_the_layout_is_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "layout", layout())
    secret = tmp_path / "secret"
    secret.write_text("outside")
    layer = next(p for p in (folder / "blobs/sha256").iterdir() if b"first layer" in p.read_bytes())
    layer.unlink()
    layer.symlink_to(secret)
    source = ImageSource(str(folder))
    assert b"outside" not in found(source).values()
    assert any("is not there" in warning for warning in source.warnings)


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "empty").write_bytes(b"")
    for target in (tmp_path, tmp_path / "a.txt", tmp_path / "empty"):
        with pytest.raises(InvalidRequest):
            found(ImageSource(str(target)))
    with pytest.raises(InvalidRequest):
        found(ImageSource("No Such/Image"))
