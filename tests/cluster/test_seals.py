"""Nodes that open themselves: initialised on one, open on both; a new root key reaches what each wraps."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.database import PASSWORD, Database
from tests.seals.test_server import call, initialized, status_once
from tests.server.process import Server, start

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


def node(place: Path, name: str, url: str) -> Server:
    """A node with two key files for seals."""
    file = place / f"{name}.toml"
    tables = "".join(
        f'[[seal]]\nkind = "keyfile"\nname = "{key}"\nkey_file = "{place}/{key}.key"\n'
        for key in ("one", "two")
    )
    file.write_text(f'data = "{place}/{name}"\nstorage = "{url}"\n{tables}')
    file.chmod(0o600)
    return start("--config", file)


def test_nodes_open_themselves_and_share_a_change_of_the_root_key(
    server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_STORAGE_PASSWORD", PASSWORD)
    url = server.created("seals").url
    for key in ("one", "two"):
        (tmp_path / f"{key}.key").write_bytes(os.urandom(32))
        (tmp_path / f"{key}.key").chmod(0o600)
    with ExitStack() as stack:
        first, second = (stack.enter_context(node(tmp_path, name, url)) for name in ("a", "b"))
        made = initialized(first, recovery_shares=1, recovery_threshold=1)
        root, key = made["root_token"], made["recovery_keys"][0]
        status_once(first, sealed=False)
        status_once(second, sealed=False)
        begun = call(second, "POST", "/v1/sys/rotate/root/init", root, secret_shares=1, secret_threshold=1)[1]
        share = {"key": key, "nonce": begun["nonce"]}
        assert call(second, "POST", "/v1/sys/rotate/root/update", root, **share)[0] == 200
        assert call(first, "PUT", "/v1/sys/sealwrap/rewrap", root)[0] == 204
        shown = call(first, "GET", "/v1/sys/seal-backend-status")[1]
        assert (shown["healthy"], shown["fully_wrapped"]) == (True, True)
        first.stop()
        (tmp_path / "one.key").unlink()
        again = stack.enter_context(node(tmp_path, "a", url))
        status_once(again, sealed=False)
        assert call(again, "GET", "/v1/auth/token/lookup-self", root)[0] == 200
