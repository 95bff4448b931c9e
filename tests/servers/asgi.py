"""An ASGI server as a process of its own, and streams from it."""

import asyncio
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import httpx

from tests.realtime.support import Frame, parse

PATIENCE_SECONDS = 20
"""Nothing is measured with it. A server that waits for streams to end by themselves waits longer."""


class Stream:
    """An open stream, read frame by frame."""

    def __init__(self, response: httpx.Response) -> None:
        self.headers = response.headers
        self.pieces = 0
        """How many reads from the network it took so far."""
        self._pieces = response.aiter_text()
        self._frames: list[Frame] = []

    async def next(self) -> Frame:
        """The next frame that is no heartbeat; those come whenever they come."""
        while not self._frames:
            text = await anext(self._pieces)
            while text and not text.endswith("\n\n"):
                text += await anext(self._pieces)
            self.pieces += bool(text)
            self._frames = [frame for frame in parse(text) if frame.type != "heartbeat"]
        return self._frames.pop(0)

    async def rest(self) -> list[Frame]:
        """What comes until the end."""
        return [*self._frames, *parse("".join([piece async for piece in self._pieces]))]


class AsgiServer:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
        self.process = process
        self.log = log
        self._address = address
        self._read = 0

    async def started(self) -> None:
        """Until it answers."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.client() as client:
            while True:
                assert self.process.poll() is None, self.log.read_text()
                with suppress(httpx.TransportError):
                    await client.get("/nothing")
                    return
                await asyncio.sleep(0.05)

    def client(self) -> httpx.AsyncClient:
        """A client that keeps no connections, so that none is left when the server stops."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self._address, trust_env=False, timeout=PATIENCE_SECONDS, limits=limits)

    @asynccontextmanager
    async def stream(self, path: str, encoding: str = "identity", last: str | None = None) -> AsyncIterator[Stream]:
        """A new stream."""
        headers = {"Accept-Encoding": encoding, "Origin": "https://a.example"}
        if last is not None:
            headers["Last-Event-ID"] = last
        async with self.client() as client, client.stream("GET", path, headers=headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            assert response.headers.get("content-encoding", "identity") == encoding
            yield Stream(response)

    async def exit(self) -> None:
        """Until it has stopped."""
        await asyncio.to_thread(self.process.wait, PATIENCE_SECONDS)

    def errors(self) -> list[str]:
        """The lines of its log since the last call that tell of something unexpected."""
        log = self.log.read_text()
        lines, self._read = log[self._read :].splitlines(), len(log)
        return [line for line in lines if line.startswith(("ERROR", "Traceback")) or "Exception" in line]


@contextmanager
def serving(directory: Path, command: str) -> Iterator[AsgiServer]:
    """Start this command in this directory, with a free port added to it. Killed with its workers at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}:{}".format(*listener.getsockname())
    program, *arguments = shlex.split(command)
    if program in {"gunicorn", "hypercorn"}:
        arguments += ["--bind", address]
    else:
        arguments += ["--port", address.rpartition(":")[2]]
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield AsgiServer(process, f"http://{address}", log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
