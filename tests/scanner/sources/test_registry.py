"""The registry protocol against a server that plays it: tokens, redirects, retries, lies."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from strongroom.errors import (
    IntegrityFailure,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    StrongroomError,
    UpstreamFailed,
)
from strongroom.scanner.sources.image import ImageSource
from strongroom.scanner.sources.registry import HUB, Registry, parse_reference
from tests.scanner.sources.images import blobs, found, index
from tests.scanner.sources.test_image import OCI

PARTS, MANIFEST = blobs()
Answer = tuple[int, dict[str, str], bytes]


class Quiet(ThreadingHTTPServer):
    """A client that hangs up early, as it should, is no news."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Played:
    """A server on loopback; `answer` decides, `seen` has (path, Authorization) of each request."""

    def __init__(self, answer: Callable[[Played, str, str], Answer]) -> None:
        self.seen: list[tuple[str, str]] = []
        self.clients: list[Registry] = []
        played = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization", "")
                played.seen.append((self.path, authorization))
                status, headers, body = answer(played, self.path, authorization)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def play() -> Iterator[Callable[[Callable[[Played, str, str], Answer]], Played]]:
    started: list[Played] = []

    def begin(answer: Callable[[Played, str, str], Answer]) -> Played:
        started.append(Played(answer))
        return started[-1]

    yield begin
    for played in started:
        for client in played.clients:
            client.close()
        played.server.shutdown()
        played.server.server_close()


Play = Callable[[Callable[[Played, str, str], Answer]], Played]


def serve(_played: Played, path: str, _authorization: str) -> Answer:
    """A registry that asks for nothing and has `team/app:1` (an index) in it."""
    what = path.rsplit("/", 1)[-1]
    if path.endswith("/manifests/1"):
        return 200, {}, index(MANIFEST)
    if what in PARTS:
        return 200, {}, PARTS[what]
    return 404, {}, b""


def with_token(played: Played, path: str, authorization: str) -> Answer:
    if path.startswith("/token?"):
        basic = "Basic " + base64.b64encode(b"ada:pa:ss").decode()
        assert "scope=repository%3Ateam%2Fapp%3Apull" in path
        return (200, {}, b'{"access_token": "t0ken"}') if authorization == basic else (401, {}, b"")
    if authorization != "Bearer t0ken":
        challenge = (
            f'Bearer realm="http://{played.host}/token",service="reg",scope="repository:team/app:pull"'
        )
        return 401, {"WWW-Authenticate": challenge}, b""
    return serve(played, path, authorization)


def registry(played: Played, credentials: tuple[str, str] | None = None) -> Registry:
    return patient(played, lambda _: None, credentials)


def patient(
    played: Played, sleep: Callable[[float], None], credentials: tuple[str, str] | None = None
) -> Registry:
    """A client whose pauses are told to `sleep`."""
    played.clients.append(Registry(parse_reference(f"{played.host}/team/app:1"), credentials, sleep=sleep))
    return played.clients[-1]


def test_an_image_is_pulled_layer_by_layer(play: Play) -> None:
    played = play(serve)
    source = ImageSource(f"{played.host}/team/app:1")
    assert found(source) == OCI
    assert source.warnings == []
    pulled = [path for path, _ in played.seen if "/blobs/" in path]
    assert len(pulled) == len(set(pulled)), "each layer once"


def test_the_bearer_flow_with_credentials(play: Play) -> None:
    played = play(with_token)
    assert found(ImageSource(f"{played.host}/team/app:1", credentials=("ada", "pa:ss"))) == OCI
    with pytest.raises(PermissionDenied, match="STRONGROOM_REGISTRY_USER"):
        found(ImageSource(f"{played.host}/team/app:1", credentials=("ada", "wrong")))
    with pytest.raises(PermissionDenied):
        found(ImageSource(f"{played.host}/team/app:1"))


def test_basic_credentials_are_sent_when_asked_for(play: Play) -> None:
    def answer(played: Played, path: str, authorization: str) -> Answer:
        if authorization != "Basic " + base64.b64encode(b"ada:x").decode():
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        return serve(played, path, authorization)

    played = play(answer)
    assert registry(played, ("ada", "x")).manifest("1")[0]["schemaVersion"] == 2
    with pytest.raises(PermissionDenied):
        registry(played).manifest("1")


def test_a_redirect_to_another_host_carries_no_credentials(play: Play) -> None:
    storage = play(lambda _played, path, _auth: (200, {}, PARTS[path.rsplit("/", 1)[-1]]))

    def answer(played: Played, path: str, authorization: str) -> Answer:
        if "/blobs/" in path and authorization:
            return 307, {"Location": f"http://{storage.host}/store/{path.rsplit('/', 1)[-1]}"}, b""
        return with_token(played, path, authorization)

    played = play(answer)
    name = next(iter(PARTS))
    assert b"".join(registry(played, ("ada", "pa:ss")).blob(name, 1 << 20)) == PARTS[name]
    assert storage.seen == [(f"/store/{name}", "")]


def test_endless_redirects_and_unsafe_ones_end(play: Play) -> None:
    played = play(lambda played, path, _auth: (307, {"Location": path}, b""))
    with pytest.raises(UpstreamFailed):
        registry(played).manifest("1")
    played = play(lambda *_: (307, {"Location": "file:///etc/passwd"}, b""))
    with pytest.raises(UpstreamFailed, match="unsafe"):
        registry(played).manifest("1")


def test_a_token_service_without_tls_elsewhere_gets_no_credentials(play: Play) -> None:
    played = play(lambda *_: (401, {"WWW-Authenticate": 'Bearer realm="http://192.0.2.1/token"'}, b""))
    with pytest.raises(UpstreamFailed, match="safe address"):
        registry(played, ("ada", "x")).manifest("1")


def test_busy_registries_are_asked_again(play: Play) -> None:
    answers = iter([(429, {"Retry-After": "3"}, b""), (503, {}, b""), (200, {}, PARTS[MANIFEST])])
    pauses: list[float] = []
    played = play(lambda *_: next(answers))
    assert patient(played, pauses.append).manifest(MANIFEST)[1] == MANIFEST
    assert pauses == [3.0, 1.0]
    played = play(lambda *_: (500, {}, b""))
    with pytest.raises(UpstreamFailed):
        registry(played).manifest("1")


def test_other_bytes_than_the_digest_names_are_noticed(play: Play) -> None:
    def answer(_played: Played, path: str, _authorization: str) -> Answer:
        status, headers, body = serve(_played, path, _authorization)
        return status, headers, body[:-1] + b"\1" if "/blobs/" in path and len(body) > 2000 else body

    played = play(answer)
    name = next(name for name, data in PARTS.items() if len(data) > 2000)
    with pytest.raises(IntegrityFailure):
        list(registry(played).blob(name, 1 << 20))
    source = ImageSource(f"{played.host}/team/app:1")
    found(source)
    assert any("does not match" in warning for warning in source.warnings)


def test_more_bytes_than_allowed_are_not_read(play: Play) -> None:
    played = play(lambda *_: (200, {}, b"x" * 200_000))
    with pytest.raises(UpstreamFailed, match="more than"):
        list(registry(played).blob("sha256:" + "0" * 64, 1000))


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_manifest_that_is_none(play: Play, body: bytes) -> None:
    played = play(lambda *_: (200, {}, body))
    with pytest.raises(UpstreamFailed):
        registry(played).manifest("1")


def test_an_index_without_our_platform_says_what_is_taken(play: Play) -> None:
    played = play(serve)
    source = ImageSource(f"{played.host}/team/app:1", platform="windows/arm64")
    assert found(source) == OCI
    assert "scanning linux/amd64" in source.warnings[0]


def test_what_is_not_there_is_said(play: Play) -> None:
    played = play(serve)
    with pytest.raises(NotFound):
        found(ImageSource(f"{played.host}/team/app:2"))
    played.server.shutdown()
    played.server.server_close()
    with pytest.raises(UpstreamFailed):
        registry(played).manifest("1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpine", (HUB, "library/alpine", "latest")),
        ("docker://team/app:1", (HUB, "team/app", "1")),
        ("ghcr.io/a/b/c", ("ghcr.io", "a/b/c", "latest")),
        ("localhost/a:x", ("localhost", "a", "x")),
        ("127.0.0.1:5000/a", ("127.0.0.1:5000", "a", "latest")),
        ("r.example/a@sha256:" + "0" * 64, ("r.example", "a", "sha256:" + "0" * 64)),
    ],
)
def test_references_are_read_as_people_write_them(text: str, expected: tuple[str, str, str]) -> None:
    assert tuple(parse_reference(text)) == expected


@pytest.mark.parametrize(
    "text", ["", "A", "a:b:c", "r.example/../x", "user@r.example/a/b@x", "r.example/a?x=1", "a@b.c/x"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_reference(text)


def test_no_credential_is_in_any_message(play: Play) -> None:
    played = play(lambda *_: (403, {}, b""))
    with pytest.raises(StrongroomError) as caught:
        registry(played, ("ada", "planted")).manifest("1")
    assert "planted" not in str(caught.value)
