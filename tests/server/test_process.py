"""The server as a process: development mode, a real store, signals, refusals to start."""

import http.client
import signal
import socket
import threading
from pathlib import Path

import hvac
import pytest

from tests.server.process import NotStarted, Server, ask, start

pytestmark = pytest.mark.slow


def test_development_mode_serves_an_unmodified_client(tmp_path: Path) -> None:
    with start("--dev", "--dev-root-token-id", "dev-root") as server:
        assert server.root_token == "dev-root"
        client = hvac.Client(f"http://127.0.0.1:{server.port}", token="dev-root")
        client.secrets.kv.v2.create_or_update_secret("app", {"n": 2**63 + 1})
        assert client.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)["data"][
            "data"
        ] == {"n": 2**63 + 1}
        assert client.sys.read_health_status(method="HEAD").status_code == 200
        client.logout()
        client.adapter.close()
        assert server.stop() == 0


def test_a_random_root_token_is_printed() -> None:
    with start("--dev") as server:
        token = server.root_token
        connection = server.connect()
        assert ask(connection, "GET", "/v1/auth/token/lookup-self", token)[0] == 200
        assert ask(connection, "GET", "/v1/auth/token/lookup-self", "other")[0] == 403
        connection.close()
        assert token not in server.said


def opened(server: Server) -> str:
    connection = server.connect()
    _, keys = ask(connection, "PUT", "/v1/sys/init", secret_shares=3, secret_threshold=2)
    for share in keys["keys"][:2]:
        ask(connection, "PUT", "/v1/sys/unseal", key=share)
    connection.close()
    return str(keys["root_token"])


def test_a_real_store_starts_sealed_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    with start("--data", tmp_path) as server:
        connection = server.connect()
        assert ask(connection, "GET", "/v1/sys/health")[0] == 501
        status, keys = ask(connection, "PUT", "/v1/sys/init", secret_shares=1, secret_threshold=1)
        assert status == 200
        assert ask(connection, "GET", "/v1/secret/a", keys["root_token"])[0] == 503
        ask(connection, "PUT", "/v1/sys/unseal", key=keys["keys"][0])
        assert ask(connection, "POST", "/v1/sys/mounts/kv", keys["root_token"], type="kv")[0] == 204
        assert ask(connection, "POST", "/v1/kv/a", keys["root_token"], k="v")[0] == 204
        connection.close()
        assert server.stop() == 0
    with start("--data", tmp_path) as server:
        connection = server.connect()
        assert ask(connection, "GET", "/v1/sys/health")[0] == 503
        ask(connection, "PUT", "/v1/sys/unseal", key=keys["keys"][0])
        assert ask(connection, "GET", "/v1/kv/a", keys["root_token"])[1]["data"] == {"k": "v"}
        connection.close()


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start("--data", data) as server:
        opened(server)
        modes = {path: path.stat().st_mode & 0o077 for path in [data, *data.rglob("*")]}
        assert not [path for path, mode in modes.items() if mode]


def test_the_process_leaves_no_memory_behind(tmp_path: Path) -> None:
    with start("--dev") as server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert line.split()[4:6] == ["0", "0"]


def test_a_second_server_on_the_same_store_is_refused(tmp_path: Path) -> None:
    with start("--data", tmp_path), pytest.raises(NotStarted, match="held by process"):
        start("--data", tmp_path)


def test_development_mode_opens_its_own_store_again_and_no_other(tmp_path: Path) -> None:
    with start("--dev", "--data", tmp_path) as server:
        assert server.stop() == 0
    kept = tmp_path / "development.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    with start("--dev", "--data", tmp_path) as server:
        assert server.stop() == 0
    kept.unlink()
    with pytest.raises(NotStarted, match="needs an empty data directory"):
        start("--dev", "--data", tmp_path)


def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(NotStarted, match="cannot listen on"):
            start("--dev", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--listen", "0.0.0.0:0", "--data", "DATA"], "plain HTTP is refused"),
        (["--dev", "--listen", "0.0.0.0:0"], "development mode does not listen"),
        (["--dev-root-token-id", "x", "--data", "DATA"], "for --dev only"),
        ([], "no place to keep data"),
        (["--listen", "here", "--data", "DATA"], "cannot listen on 'here'"),
        (["--data", "DATA", "--tls-cert", "none.pem", "--tls-key", "none.key"], "cannot read none.pem"),
        (["--data", "DATA", "--tls-cert", "none.pem"], "needs a certificate and its key"),
        (["--config", "none.toml"], "cannot read the configuration file"),
    ],
)
def test_what_is_unsafe_or_wrong_is_refused_in_three_lines(
    options: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(NotStarted) as refused:
        start(*[str(tmp_path) if option == "DATA" else option for option in options])
    text, code = refused.value.args
    lines = [line for line in text.splitlines() if " warning " not in line]
    assert said in lines[0]
    assert len(lines) == 3
    assert code == 2


class Writer(threading.Thread):
    """Writes one entry after another until the server is gone; notes what was acknowledged and how it ended."""

    def __init__(self, server: Server, token: str, begun: threading.Barrier) -> None:
        super().__init__()
        self.server, self.token, self.begun = server, token, begun
        self.acknowledged = 0
        self.statuses: set[int] = set()
        self.end: Exception | None = None

    def run(self) -> None:
        link = self.server.connect()
        while self.end is None:
            try:
                status, _ = ask(link, "POST", f"/v1/kv/{self.ident}-{self.acknowledged}", self.token, k="v")
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.end = error
                break
            self.statuses.add(status)
            self.acknowledged += 1
            if self.acknowledged == 5:
                self.begun.wait(20)
        link.close()


def test_terminating_under_load_gives_no_half_answers(tmp_path: Path) -> None:
    with start("--data", tmp_path) as server:
        token = opened(server)
        connection = server.connect()
        ask(connection, "POST", "/v1/sys/mounts/kv", token, type="kv")
        connection.close()
        begun = threading.Barrier(5)
        writers = [Writer(server, token, begun) for _ in range(4)]
        for writer in writers:
            writer.start()
        begun.wait(20)
        assert server.stop() == 0
        for writer in writers:
            writer.join()
    for writer in writers:
        assert writer.statuses == {204}
        assert not isinstance(writer.end, http.client.IncompleteRead | ValueError), writer.end
        assert isinstance(writer.end, ConnectionError), writer.end


def test_hanging_up_without_tls_changes_nothing() -> None:
    with start("--dev") as server:
        server.signal(signal.SIGHUP, until="nothing to reload")
        connection = server.connect()
        assert ask(connection, "GET", "/v1/sys/health")[0] == 200
        connection.close()
