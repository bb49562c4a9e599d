"""Images pushed by skopeo to the distribution registry, with and without its token authentication."""

from __future__ import annotations

import base64
import datetime
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from strongroom.errors import PermissionDenied
from strongroom.scanner.sources.image import ImageSource
from tests.scanner.sources.images import found, layout, write
from tests.scanner.sources.test_image import OCI

pytestmark = [
    pytest.mark.slow,
    pytest.mark.component("docker-registry"),
    pytest.mark.skipif(
        shutil.which("docker-registry") is None or shutil.which("skopeo") is None,
        reason="needs Debian's docker-registry and skopeo",
    ),
]
CONFIG = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
AUTH = """auth:
  token: {{realm: "http://127.0.0.1:{port}/token", service: reg, issuer: tests, rootcertbundle: {cert}}}
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def start(folder: Path, config: str, port: int) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "config.yml").write_text(config)
    process = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return process
        assert process.poll() is None
        threading.Event().wait(0.05)
    raise TimeoutError


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)


def push(folder: Path, target: str, *options: str) -> None:
    subprocess.run(
        [
            "skopeo",
            "copy",
            "-q",
            "--insecure-policy",
            "--dest-tls-verify=false",
            *options,
            f"oci:{folder}",
            f"docker://{target}",
        ],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    process = start(tmp_path / "registry", CONFIG.format(root=tmp_path / "data", port=port), port)
    yield f"127.0.0.1:{port}"
    stop(process)


def test_an_image_is_pushed_and_pulled(registry: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "layout", layout())
    push(folder, f"{registry}/team/app:1")
    source = ImageSource(f"{registry}/team/app:1")
    assert found(source) == OCI
    assert source.warnings == []


@pytest.mark.skipif(shutil.which("umoci") is None, reason="needs Debian's umoci")
def test_a_file_deleted_by_a_later_layer_is_found(tmp_path: Path) -> None:
    image, root = tmp_path / "image", tmp_path / "root"

    def umoci(*arguments: str) -> None:
        subprocess.run(["umoci", *arguments], check=True, capture_output=True)

    umoci("init", "--layout", str(image))
    umoci("new", "--image", f"{image}:1")
    (root / "etc").mkdir(parents=True)
    (root / "etc/key").write_text("planted and deleted")
    umoci("insert", "--rootless", "--image", f"{image}:1", str(root), "/app")
    umoci("insert", "--rootless", "--image", f"{image}:1", "--whiteout", "/app/etc/key")
    umoci("config", "--image", f"{image}:1", "--config.env", "TOKEN=planted-in-env")
    saved = tmp_path / "saved.tar"
    subprocess.run(
        ["skopeo", "copy", "-q", "--insecure-policy", f"oci:{image}:1", f"docker-archive:{saved}:app:1"],
        check=True,
        capture_output=True,
    )
    for target in (image, saved):
        source = ImageSource(str(target))
        texts = {b.provenance.name: b.data for part in source.shards(1) for b in part() if b.data}
        assert source.warnings == []
        assert texts["app/etc/key"] == b"planted and deleted"
        assert b"TOKEN=planted-in-env" in texts["Env.env"]


class Tokens:
    """The token service: gives `ada` with her password what she asks for, signed as the registry expects."""

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.datetime.now(datetime.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.file = folder / "cert.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                basic = "Basic " + base64.b64encode(b"ada:planted").decode()
                allowed = self.headers.get("Authorization") == basic
                body = json.dumps({"token": tokens.issue()} if allowed else {}).encode()
                self.send_response(200 if allowed else 401)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def issue(self) -> str:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        now = int(time.time())
        access = [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}]
        claims = {
            "iss": "tests",
            "aud": "reg",
            "sub": "ada",
            "nbf": now - 60,
            "exp": now + 600,
            "iat": now,
            "jti": "1",
            "access": access,
        }
        signed = b".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)
        )
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_the_token_authentication_of_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    tokens = Tokens(tmp_path)
    port = free_port()
    config = CONFIG.format(root=tmp_path / "data", port=port) + AUTH.format(
        port=tokens.port, cert=tokens.file
    )
    process = start(tmp_path / "registry", config, port)
    try:
        folder = write(tmp_path / "layout", layout())
        push(folder, f"127.0.0.1:{port}/team/app:1", "--dest-creds=ada:planted")
        with pytest.raises(PermissionDenied):
            found(ImageSource(f"127.0.0.1:{port}/team/app:1"))
        source = ImageSource(f"127.0.0.1:{port}/team/app:1", credentials=("ada", "planted"))
        assert found(source) == OCI
        assert source.warnings == []
    finally:
        stop(process)
        tokens.server.shutdown()
        tokens.server.server_close()
