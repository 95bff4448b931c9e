"""A server whose event loop is watched: how long, in CPU time of its thread, the longest callback ran.

A callback is what runs between two looks of the loop at everything else, so its time is for how long all others wait.
CPU time of a thread counts neither what other programs of the machine take nor what other threads of this one do.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pulsestage.server.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    import pytest

    from pulsestage.settings import Settings

PATIENCE_SECONDS = 20
"""Nothing is measured with it."""


class WatchedServer:
    """A server in a thread of its own, with asyncio's loop, which is written in Python and can be watched."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.longest_seconds = 0.0
        self.total_seconds = 0.0

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = make_server(self._settings, self._note_port)
        await self._server.serve()

    def _note_port(self, port: int) -> None:
        self.port = port
        self.app: Any = self._server._app
        self._started.set()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run this on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    @contextmanager
    def running(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Serve and watch."""
        monkeypatch.setattr(asyncio.Handle, "_run", self._watched(asyncio.Handle._run))
        self._thread.start()
        assert self._started.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            self._server.hurry()
            self._server.should_exit = True
            self._thread.join(PATIENCE_SECONDS)

    def _watched(self, run: Callable[[asyncio.Handle], None]) -> Callable[[asyncio.Handle], None]:
        def watched(handle: asyncio.Handle) -> None:
            if threading.current_thread() is not self._thread:
                run(handle)
                return
            began = time.thread_time()
            run(handle)
            seconds = time.thread_time() - began
            self.total_seconds += seconds
            self.longest_seconds = max(self.longest_seconds, seconds)

        return watched

    def answer_to(self, request: bytes) -> bytes:
        """Send a request, and read until the server closes the connection; of a stream only what it begins with."""
        self.longest_seconds = self.total_seconds = 0.0
        answer, last = b"", b'"type":"snapshot"' if b"snapshot=1" in request else b'"type":"connected"'
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as client:
            client.sendall(request)
            while piece := client.recv(65_536):
                answer += piece
                if last in answer:
                    break
        return answer
