"""The in-memory store against the shared suite and the model."""

import pytest

from strongroom.storage.contract import Storage
from strongroom.storage.memory import MemoryStorage
from tests.suites.storage import StorageSuite
from tests.suites.storage_model import MACHINE_SETTINGS, StorageMachine


class TestMemory(StorageSuite):
    @pytest.fixture
    def storage(self) -> Storage:
        return MemoryStorage()


class MemoryMachine(StorageMachine):
    def make(self) -> Storage:
        return MemoryStorage()


TestMemoryModel = MemoryMachine.TestCase
TestMemoryModel.settings = MACHINE_SETTINGS
