"""The first visit of a new attendee, whose browser has nothing of the server: what comes over the wire, how soon."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.async_api import ViewportSize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

NAMED = "pulsestage.test"
"""A name of this machine for browsers with `RESOLVE`: they accept brotli from HTTPS and localhost, from here gzip."""
RESOLVE = f"--host-resolver-rules=MAP {NAMED} 127.0.0.1"

PHONE: ViewportSize = {"width": 390, "height": 844}
_NOTE_FIRST_QUESTION = """
new MutationObserver((_, observer) => {
    if (document.querySelector('article') === null) return;
    observer.disconnect();
    // The second callback comes after the frame that shows it.
    requestAnimationFrame(() => setTimeout(() => { window.firstQuestionAt = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""


@dataclass(frozen=True)
class Network:
    """What Chromium imitates: every answer is late by a round trip, and all of them share the bandwidth."""

    bytes_per_second: int
    round_trip_milliseconds: int


@dataclass
class Answer:
    """A response as it came over the wire."""

    url: str
    type: str
    encoding: str
    bytes: int
    """Of its head and its body, compressed as it was sent."""


@dataclass
class Visit:
    """A page that is being opened."""

    page: Page
    answers: dict[str, Answer] = field(default_factory=dict)
    """By Chromium's id of the request."""

    async def first_question(self) -> float:
        """Wait until it is on the screen. Milliseconds since the address was opened."""
        shown = await self.page.wait_for_function("window.firstQuestionAt")
        return float(await shown.json_value())

    @property
    def bytes(self) -> int:
        """All that has come so far."""
        return sum(answer.bytes for answer in self.answers.values())

    def note_response(self, event: dict[str, Any]) -> None:
        """A head has come."""
        response = event["response"]
        headers = {name.lower(): value for name, value in response["headers"].items()}
        encoding = headers.get("content-encoding", "identity")
        size = int(response["encodedDataLength"])
        self.answers[event["requestId"]] = Answer(response["url"], event["type"], encoding, size)

    def note_data(self, event: dict[str, Any]) -> None:
        """Some of a body has come."""
        if answer := self.answers.get(event["requestId"]):
            answer.bytes += int(event["encodedDataLength"])

    def note_end(self, event: dict[str, Any]) -> None:
        """A body is complete, and the whole is known exactly."""
        if answer := self.answers.get(event["requestId"]):
            answer.bytes = int(event["encodedDataLength"])


@asynccontextmanager
async def cold_visit(browser: Browser, network: Network | None = None) -> AsyncIterator[Visit]:
    """An empty page of a phone's size, in a browser without cookies and cache, that counts what it receives."""
    async with await browser.new_context(viewport=PHONE) as context:
        page = await context.new_page()
        await page.add_init_script(_NOTE_FIRST_QUESTION)
        visit = Visit(page)
        session = await context.new_cdp_session(page)
        session.on("Network.responseReceived", visit.note_response)
        session.on("Network.dataReceived", visit.note_data)
        session.on("Network.loadingFinished", visit.note_end)
        await session.send("Network.enable")
        if network is not None:
            conditions = {
                "offline": False,
                "latency": network.round_trip_milliseconds,
                "downloadThroughput": network.bytes_per_second,
                "uploadThroughput": network.bytes_per_second,
            }
            await session.send("Network.emulateNetworkConditions", conditions)
        yield visit
