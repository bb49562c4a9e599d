"""Traces reach a collector by OTLP, say what took how long, and hold nothing that is nobody's business."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from strongroom.api.app import Api
from strongroom.core.core import Core
from strongroom.server.problems import StartFailed
from strongroom.server.telemetry import TelemetrySettings, tracing, wanted
from tests.cli.conftest import Shell
from tests.contract.peers import Peer
from tests.server.process import start

pytestmark = pytest.mark.slow

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
READS = 5
CANARY, PATH = "canary-value-7788", "canary-path-9911"


@dataclass
class Collector:
    """What came by OTLP over HTTP: as bytes, and decoded."""

    address: str = ""
    raw: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        found = []
        for body in self.raw:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found

    def attributes(self, span: Any) -> dict[str, Any]:
        return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            made.raw.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """What a server sent that has answered requests, done a job and stopped."""
    place = tmp_path_factory.mktemp("traced")
    config = place / "strongroom.toml"
    (place / "backups").mkdir()
    with collecting() as collector:
        config.write_text(
            f'data = "{place}/data"\n[telemetry]\notlp_endpoint = "{collector.address}"\n'
            f'[backup]\nto = "{place}/backups"\n'
        )
        with start("--dev", "--dev-root-token-id", "root", "--config", config) as server:
            peer = Peer(server.port, "root")
            with closing(server.connect()) as connection:
                headers = {"X-Vault-Token": "root", "traceparent": f"00-{TRACE}-{CALLER}-01"}
                body = f'{{"data": {{"value": "{CANARY}"}}}}'
                connection.request("POST", f"/v1/secret/data/{PATH}", body, headers)
                assert connection.getresponse().read()
            for _ in range(READS):
                assert peer.call("GET", f"secret/data/{PATH}").status == 200
            assert peer.call("GET", "secret/data/none").status == 404
            job = peer.call("POST", "sys/storage/backups", {}).body["data"]["job"]
            for _ in range(600):
                if peer.call("GET", f"sys/jobs/{job}").body["data"]["state"] == "done":
                    break
                threading.Event().wait(0.05)
            peer.close()
            assert server.stop() == 0
        yield collector


def _inside(collector: Collector, parent: Any) -> set[str]:
    return {span.name for span in collector.spans if span.parent_span_id == parent.span_id}


def test_a_request_goes_on_the_callers_trace_with_its_parts(collected: Collector) -> None:
    (span,) = [span for span in collected.spans if span.parent_span_id.hex() == CALLER]
    assert span.trace_id.hex() == TRACE
    assert span.name == "write secret/"
    said = collected.attributes(span)
    assert (said["http.response.status_code"], said["strongroom.mount_type"]) == (200, "kv")
    assert said["strongroom.request_id"]
    assert {"authorise", "audit.sync", "storage.commit"} <= _inside(collected, span)
    for part in collected.spans:
        if part.parent_span_id == span.span_id:
            assert span.start_time_unix_nano <= part.start_time_unix_nano
            assert part.end_time_unix_nano <= span.end_time_unix_nano


def test_a_refusal_is_told_by_its_class(collected: Collector) -> None:
    said = [collected.attributes(span) for span in collected.spans]
    (missing,) = [one for one in said if one.get("http.response.status_code") == 404]
    assert missing["error.type"] == "NotFound"
    assert not any(event for span in collected.spans for event in span.events)


def test_each_of_equal_reads_is_told(collected: Collector) -> None:
    reads = [
        span
        for span in collected.spans
        if span.name == "read secret/" and collected.attributes(span)["http.response.status_code"] == 200
    ]
    assert len({collected.attributes(span)["strongroom.request_id"] for span in reads}) == READS


def test_a_job_is_a_trace_of_its_own_with_its_steps(collected: Collector) -> None:
    (job,) = [span for span in collected.spans if span.name == "job storage.backup"]
    assert job.parent_span_id == b""
    assert {"job.step", "job.change"} <= _inside(collected, job)


def test_no_secret_no_token_and_no_path_below_the_mount_is_sent(collected: Collector) -> None:
    sent = b"".join(collected.raw)
    assert b"secret/" in sent
    for hidden in (CANARY, PATH, "none", "127.0.0.1"):
        assert hidden.encode() not in sent
    assert not any("root" in str(collected.attributes(span).values()) for span in collected.spans)


def test_who_asks_for_none_imports_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, asyncio\n"
        "from strongroom.server import run\n"
        "from strongroom.server.telemetry import TelemetrySettings, tracing\n"
        "async def main():\n"
        "    async with tracing(TelemetrySettings(), shared=True): pass\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google.protobuf'))])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


async def test_what_is_wrapped_is_as_before_afterwards() -> None:
    before = Api.answer, Core._authorise
    with collecting() as collector:
        async with tracing(TelemetrySettings(collector.address), shared=True):
            assert Api.answer is not before[0]
    assert (Api.answer, Core._authorise) == before


@pytest.mark.parametrize(
    "endpoint",
    [
        "collector:4318",
        f"user:{CANARY}@collector:4318",
        f"ftp://user:{CANARY}@collector",
        f"http://user:{CANARY}@collector:port",
        "http://collector:99999",
        f"http://user:{CANARY}@[::1",
    ],
)
async def test_an_address_that_is_none_stops_the_start_and_is_not_shown(endpoint: str) -> None:
    with pytest.raises(StartFailed, match="otlp_endpoint is no address") as failed:
        async with tracing(TelemetrySettings(endpoint), shared=False):
            pass
    assert CANARY not in f"{failed.value}"
    assert failed.value.__cause__ is failed.value.__context__ is None


def test_the_environment_asks_in_opentelemetrys_words() -> None:
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert wanted(TelemetrySettings(), named)
    assert not wanted(TelemetrySettings(), {})
    assert not wanted(TelemetrySettings("http://collector:4318"), {**named, "OTEL_SDK_DISABLED": "true"})


def test_a_collector_that_is_away_holds_up_neither_answers_nor_the_end(tmp_path: Path) -> None:
    config = tmp_path / "strongroom.toml"
    config.write_text('[telemetry]\notlp_endpoint = "http://127.0.0.1:9"\n')
    with start("--dev", "--dev-root-token-id", "root", "--config", config) as server:
        shell = Shell(tmp_path).to(server)
        assert shell.ok("kv", "put", "secret/a", "value=1", "--no-warn").code == 0
        assert server.stop() == 0
