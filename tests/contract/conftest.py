"""One server of each kind for all tests here that only talk to it."""

from collections.abc import Iterator

import pytest

from tests.contract import peers
from tests.contract.peers import Peer


@pytest.fixture(scope="module")
def ours() -> Iterator[Peer]:
    with peers.strongroom() as peer:
        yield peer


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with peers.openbao(tmp_path_factory.mktemp("openbao")) as peer:
        yield peer
