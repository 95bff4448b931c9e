"""Clients that nobody here wrote, each following one stream by its own means through whatever happens.

Each is a program in `python/` or `node/` that prints `[lastEventId, data]` for every message, or a module in `node/`
that a page of a real browser imports. Where a library doesn't reconnect, the program does so, with the last id it saw.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import Browser, Route

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CONTROL = {"connected", "heartbeat", "goodbye"}
LONGEST_LINE = 1 << 24


@dataclass(frozen=True)
class Kind:
    """A library, and the program around it."""

    file: str
    options: tuple[str, ...] = ()
    reconnects: bool = False
    """The library does, not the program around it."""

    def at(self, url: str, browser: Browser) -> Client:
        """A client of this kind."""
        if self.file.startswith("node/page-"):
            return Page(url, browser, self.file)
        return Program(url, self)


KINDS = {
    "curl": Kind("python/curl.py"),
    "curl --compressed": Kind("python/curl.py", ("--compressed",)),
    "requests": Kind("python/requests.py"),
    "aiohttp": Kind("python/aiohttp.py"),
    "sseclient-py": Kind("python/sseclient.py"),
    "httpx-sse": Kind("python/httpx_sse.py"),
    "launchdarkly-eventsource (Python)": Kind("python/launchdarkly.py", reconnects=True),
    "launchdarkly-eventsource (npm)": Kind("node/launchdarkly.mjs", reconnects=True),
    "eventsource 4": Kind("node/eventsource.mjs", reconnects=True),
    "eventsource 2": Kind("node/eventsource-2.mjs", reconnects=True),
    "Node.js EventSource": Kind("node/node-eventsource.mjs", reconnects=True),
    "Node.js fetch": Kind("node/node-fetch.mjs"),
    "Chromium": Kind("node/page-eventsource.mjs", reconnects=True),
    "@microsoft/fetch-event-source": Kind("node/page-fetch-event-source.mjs", reconnects=True),
    "sse.js": Kind("node/page-sse.mjs", reconnects=True),
}


class Client:
    """Follows a stream and notes what it is told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[tuple[str, dict[str, Any]]] = []
        """Position and message of each event and snapshot, in the order they came."""
        self.questions: dict[str, str] = {}
        """The state: the text of each question, by its id."""
        self.connections = 0
        self.unreadable = 0
        """Messages that are no JSON."""
        self._news = asyncio.Event()

    async def follow(self) -> None:
        """Until it is cancelled."""
        raise NotImplementedError

    async def knows(self, count: int, connections: int = 1) -> None:
        """Wait until it has so many questions, over so many connections."""
        while len(self.questions) < count or self.connections < connections:
            self._news.clear()
            await self._news.wait()

    def note(self, last_event_id: str, data: str) -> None:
        """A message has come."""
        try:
            message = json.loads(data)
        except json.JSONDecodeError:
            self.unreadable += 1
            return
        if message["type"] == "connected":
            self.connections += 1
        elif message["type"] not in CONTROL:
            self.seen.append((last_event_id, message))
            if message["type"] == "snapshot":
                self.questions.clear()
            for question in message["data"].get("questions", [message["data"]]):
                self.questions[question["id"]] = question["body"]
        self._news.set()


class Program(Client):
    """A process that prints what it is told."""

    def __init__(self, url: str, kind: Kind) -> None:
        super().__init__(url)
        path = HERE / kind.file
        if path.suffix == ".py":
            self._command = [sys.executable, "-m", ".".join(path.relative_to(ROOT).with_suffix("").parts)]
        else:  # the flag gives Node its own EventSource
            self._command = [str(ROOT / "scripts/with_node.sh"), "node", "--experimental-eventsource", str(path)]
        self._command += [*kind.options, url]

    async def follow(self) -> None:
        """One process, however often the connection breaks."""
        process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE, start_new_session=True
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self.note(*json.loads(line))
        finally:
            # Its children too, for some are a shell's.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            process._transport.close()  # type: ignore[attr-defined] # or it is left to the collector


class Page(Client):
    """A page of a browser that does nothing else."""

    def __init__(self, url: str, browser: Browser, file: str) -> None:
        super().__init__(url)
        self._browser = browser
        self._file = file

    async def follow(self) -> None:
        """The page has the stream's origin; what it imports comes from here."""
        page = await self._browser.new_page()
        try:
            await page.route("**/node/**", _answer_with_file)
            await page.expose_function("note", self.note)
            await page.goto(f"{self.url.partition('/sse')[0]}/node/page.html")
            await page.evaluate(_FOLLOW, [f"/{self._file}", self.url])
            await asyncio.Event().wait()
        finally:
            await page.close()


_FOLLOW = """async ([file, url]) => {
    const { default: follow } = await import(file);
    follow(url, ({ lastEventId, data }) => note(lastEventId, data));
}"""


async def _answer_with_file(route: Route) -> None:
    """From `node/`. Modules made for a bundler import others without the extension."""
    path = HERE / urlsplit(route.request.url).path.lstrip("/")
    if path.name == "page.html":
        await route.fulfill(body="", content_type="text/html")
    else:
        path = path if path.suffix else path.with_suffix(".js")
        await route.fulfill(path=path, content_type="text/javascript")
