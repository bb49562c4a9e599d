"""An application that logs in every 50 ms with credentials that it caches, and counts what is refused."""

import threading
import time
from collections.abc import Callable

PERIOD = 0.05
CACHED_LOGINS = 4

Credential = tuple[str, str]


class Application(threading.Thread):
    """`fetch` reads the credential in force, `logs_in` is a real login."""

    def __init__(self, fetch: Callable[[], Credential], logs_in: Callable[[str, str], bool]) -> None:
        super().__init__()
        self._fetch = fetch
        self._logs_in = logs_in
        self._over = threading.Event()
        self.logins = 0
        self.failed: list[str] = []
        self.fetched = 0
        self.users: set[str] = set()

    def run(self) -> None:
        while not self._over.is_set():
            user, password = self._fetch()
            for _ in range(CACHED_LOGINS):
                began = time.monotonic()
                if not self._logs_in(user, password):
                    self.failed.append(user)
                self.logins += 1
                self.users.add(user)
                self._over.wait(max(0.0, PERIOD - (time.monotonic() - began)))
            self.fetched += 1

    def stop(self) -> None:
        self._over.set()
        self.join()
