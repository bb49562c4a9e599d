"""Values of the vault are found in every source that the scanner reads, through the command."""

import gzip
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.inventory.conftest import Shell
from tests.inventory.planted import value
from tests.inventory.test_forms import known
from tests.scanner.archives.making import tarred
from tests.scanner.sources.images import blobs
from tests.server.process import Server

LINE = "user=app password={} host=db\n"


@pytest.fixture
def stored(sr: Shell, request: pytest.FixtureRequest) -> str:
    """A value that the vault holds."""
    text = value(request.node.name)
    sr.ok("kv", "put", "secret/sources", "password=-", stdin=text)
    return text


def test_in_a_file_deep_in_a_tree(sr: Shell, stored: str) -> None:
    (sr.home / "tree/a/b").mkdir(parents=True)
    (sr.home / "tree/a/b/conf").write_text(LINE.format(stored))
    (found,) = known(sr, "tree")
    assert found["severity"] == "critical"
    assert len(found["known"]) == 1


def test_on_standard_input(sr: Shell, stored: str) -> None:
    assert len(known(sr, "-", stdin=LINE.format(stored))) == 1


@pytest.mark.parametrize("form", ["tar.gz", "zip"])
def test_in_an_archive(sr: Shell, stored: str, form: str) -> None:
    content = LINE.format(stored).encode()
    made = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner/conf", content)
    else:
        made.write(gzip.compress(tarred({"inner/conf": content})))
    (sr.home / f"made.{form}").write_bytes(made.getvalue())
    assert len(known(sr, f"made.{form}")) == 1


@pytest.mark.component("git")
def test_in_history_where_it_is_removed_again(sr: Shell, stored: str) -> None:
    repository = sr.home / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=e@example.com"]
    subprocess.run(["git", "init", "-q", repository], check=True)
    for text in (LINE.format(stored), "nothing\n"):
        (repository / "conf").write_text(text)
        subprocess.run([*git, "add", "conf"], check=True)
        subprocess.run([*git, "commit", "-qm", "change"], check=True)
    assert known(sr, "repository") == []
    (found,) = known(sr, "--history", "repository")
    assert found["occurrences"][0]["commit"]


@pytest.mark.component("git")
def test_in_what_is_staged(sr: Shell, stored: str) -> None:
    repository = sr.home / "staged"
    subprocess.run(["git", "init", "-q", repository], check=True)
    (repository / "conf").write_text(LINE.format(stored))
    subprocess.run(["git", "-C", repository, "add", "conf"], check=True)
    found = sr("scan", "--server", "--staged", "--format", "json", repository)
    assert [one["detector"] for one in found.json["findings"]] == ["strongroom.known_value"]


def test_in_an_image(sr: Shell, stored: str) -> None:
    config: dict[str, Any] = {
        "config": {"Env": [f"DSN=app:{stored}@db"]},
        "architecture": "amd64",
        "os": "linux",
    }
    named, manifest = blobs(config)
    files = {f"blobs/{name.replace(':', '/')}": data for name, data in named.items()}
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": manifest}
    index = {"schemaVersion": 2, "manifests": [{**entry, "size": len(named[manifest])}]}
    files |= {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
    (sr.home / "image.tar").write_bytes(tarred(files))
    assert len(known(sr, "--image", "image.tar")) == 1


def test_the_report_shows_no_value(sr: Shell, stored: str) -> None:
    (sr.home / "conf").write_text(LINE.format(stored))
    for form in ("text", "json", "sarif", "csv", "html"):
        assert stored not in sr("scan", "--server", "--format", form, "conf").out


def test_a_scan_that_lost_the_server_is_not_called_clean(sr: Shell, stored: str, dev: Server) -> None:
    (sr.home / "conf").write_text("nothing here\n")
    gone = sr("scan", "--server", "--address", "http://127.0.0.1:1", "conf")
    assert gone.code not in (0, 1)
    stranger = sr("scan", "--server", "conf", env={"STRONGROOM_TOKEN": "srs.nobody"})
    assert stranger.code not in (0, 1)


def test_without_a_value_in_the_vault_a_scan_is_as_ever(sr: Shell, tmp_path: Path) -> None:
    (sr.home / "conf").write_text(LINE.format(value("not stored")))
    assert known(sr, "conf") == []
