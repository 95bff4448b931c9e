"""Clients of other people's making, each following one stream by its own means through whatever happens."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
from httpx_sse import SSEError, aconnect_sse

if TYPE_CHECKING:
    from playwright.async_api import Browser

REPOSITORY = Path(__file__).parents[2]
CONTROL = {"connected", "heartbeat", "goodbye"}


class Client:
    """Follows a stream and notes what it is told. `server_is_up` is for those who have to come back by hand."""

    name: ClassVar[str]

    def __init__(self, url: str, server_is_up: asyncio.Event) -> None:
        self.url = url
        self.seen: list[tuple[str, dict[str, Any]]] = []
        """Position and message of each event, in the order they came."""
        self.connections = 0
        self._server_is_up = server_is_up
        self._news = asyncio.Event()

    async def follow(self) -> None:
        """Until it is cancelled."""
        raise NotImplementedError

    async def knows(self, count: int, connections: int) -> None:
        """Wait until it has seen so many events, over so many connections."""
        while len(self.seen) < count or self.connections < connections:
            self._news.clear()
            await self._news.wait()

    def note(self, last_event_id: str, data: str) -> None:
        """A message has come."""
        message = json.loads(data)
        if message["type"] == "connected":
            self.connections += 1
        elif message["type"] not in CONTROL:
            self.seen.append((last_event_id, message))
        self._news.set()


class Chromium(Client):
    """The browser's own EventSource, on a page that has nothing else."""

    name = "Chromium"

    def __init__(self, url: str, server_is_up: asyncio.Event, browser: Browser) -> None:
        super().__init__(url, server_is_up)
        self._browser = browser

    async def follow(self) -> None:
        """The browser comes back by itself."""
        page = await self._browser.new_page()
        await page.expose_function("note", self.note)
        await page.goto(str(httpx.URL(self.url).join("/health")))
        await page.evaluate("url => { new EventSource(url).onmessage = (m) => note(m.lastEventId, m.data); }", self.url)
        try:
            await asyncio.Event().wait()
        finally:
            await page.close()


class Program(Client):
    """Some program that prints what it is told."""

    async def lines(self, *command: str | Path) -> None:
        """Run it to its end, and read each line."""
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self.read(line.decode().rstrip("\r\n"))
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            process._transport.close()  # type: ignore[attr-defined] # or it is left to the collector

    def read(self, line: str) -> None:
        """A line it printed."""
        raise NotImplementedError


class NpmEventSource(Program):
    """The package `eventsource` under Node, which comes back by itself."""

    name = "npm eventsource"

    async def follow(self) -> None:
        """One process, however often the connection breaks."""
        script, project = Path(__file__).with_suffix("").with_name("eventsource.mjs"), REPOSITORY / "web/package.json"
        await self.lines(REPOSITORY / "scripts/with_node.sh", "node", script, project, self.url)
        raise AssertionError("it gave up")

    def read(self, line: str) -> None:
        """`[lastEventId, data]`."""
        self.note(*json.loads(line))


class Curl(Program):
    """One process per connection, with the header Last-Event-ID."""

    name = "curl"
    options: ClassVar[tuple[str, ...]] = ()
    _id = ""
    _data = ""
    encoding = "identity"

    async def follow(self) -> None:
        """A shell script's loop around curl."""
        while True:
            await self._server_is_up.wait()
            resume = ["--header", f"Last-Event-ID: {self._id}"] if self._id else []
            await self.lines("curl", "--silent", "--include", "--no-buffer", *self.options, *resume, self.url)

    def read(self, line: str) -> None:
        """A header, or a line of a frame."""
        name, _, value = line.partition(": ")
        if name == "content-encoding":
            self.encoding = value
        elif name == "id":
            self._id = value
        elif name == "data":
            self._data += value
        elif not line and self._data:
            data, self._data = self._data, ""
            self.note(self._id, data)


class CurlCompressed(Curl):
    """What is compressed is there as soon as it is written."""

    name = "curl --compressed"
    options = ("--compressed",)


class HttpxSse(Client):
    """Python's httpx-sse."""

    name = "httpx-sse"

    async def follow(self) -> None:
        """Coming back is left to who uses it."""
        last_event_id = ""
        async with httpx.AsyncClient(timeout=None) as http:  # noqa: S113 - a stream has no end
            while True:
                await self._server_is_up.wait()
                headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
                with suppress(httpx.TransportError, SSEError):
                    async with aconnect_sse(http, "GET", self.url, headers=headers) as stream:
                        async for message in stream.aiter_sse():
                            last_event_id = message.id
                            self.note(message.id, message.data)
