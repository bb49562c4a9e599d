"""The bounded pool for blocking work: password hashing, drivers without an async API."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from strongroom.errors import RateLimited

_WAITING = 256


class Pool:
    """A few threads and a bounded queue before them, so that logins cannot starve reads."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blocking")
        self._room = threads + _WAITING

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run `function` in a thread. Raises RateLimited when too many wait already."""
        if self._room <= 0:
            raise RateLimited("too much slow work is waiting; try again")
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        finally:
            self._room += 1

    def close(self) -> None:
        """Let running work end; what has not begun does not begin."""
        self._threads.shutdown(wait=True, cancel_futures=True)
