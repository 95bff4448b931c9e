"""Somebody with a browser of their own in a room, who finds things by what they are called and not by how they look."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

NETWORK = "Failed to load resource: net::ERR_"
"""What Chromium itself writes into the console when a server is away."""

_NOTE_WHEN_USED = """
for (const kind of ['click', 'keydown'])
    addEventListener(kind, () => { window.usedAt = Date.now(); }, { capture: true });
"""
_WHEN_TEXT_CAME = "text => document.body.innerText.includes(text) && Date.now()"


class Visitor:
    """One page and what was wrong with it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    async def enter(self, url: str) -> None:
        """Open the room and wait until it is live."""
        await self.page.goto(url)
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.connection).to_have_text("Connection: Live")

    @property
    def connection(self) -> Locator:
        return self.page.get_by_role("status").filter(has_text="Connection:")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_label("What would you like to know?")

    @property
    def cards(self) -> Locator:
        return self.page.get_by_role("article")

    def card(self, text: str) -> Locator:
        return self.cards.filter(has_text=text)

    def vote(self, text: str) -> Locator:
        return self.card(text).get_by_role("button", name=re.compile("^Vote"))

    def tool(self, text: str, name: str) -> Locator:
        """One of the moderator's."""
        tools = self.card(text).get_by_role("group", name="Moderate this question")
        return tools.get_by_role("button", name=name, exact=True)

    async def ask(self, text: str) -> None:
        await self.composer.fill(text)
        await self.page.get_by_role("button", name="Ask", exact=True).click()

    async def sees(self, text: str, *, votes: int = 0) -> None:
        """One card with this text, and so many votes."""
        await expect(self.card(text)).to_have_count(1)
        await expect(self.vote(text)).to_have_accessible_name(re.compile(rf"^Vote, {votes} so far"))

    async def sees_nothing_of(self, text: str) -> None:
        await expect(self.page.get_by_text(text)).to_have_count(0)

    async def tab_to(self, wanted: Locator) -> None:
        """Go there with the Tab key alone."""
        for _ in range(60):
            if await wanted.evaluate("it => it === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError("the Tab key doesn't lead there")

    async def latency_to(self, other: Visitor, text: str, action: Awaitable[Any]) -> int:
        """Milliseconds from what this one did (a click or a key) to the text on the other's screen."""
        await action
        seen = await other.page.wait_for_function(_WHEN_TEXT_CAME, arg=text)
        return int(await seen.json_value()) - int(await self.page.evaluate("usedAt"))

    async def screen(self, file: Path, *, width: int) -> None:
        """A picture of the page, which is no wider than the window."""
        await self.page.screenshot(path=file)
        assert await self.page.evaluate("document.documentElement.scrollWidth") <= width

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)


@asynccontextmanager
async def somebody(browser: Browser, **options: Any) -> AsyncIterator[Visitor]:
    """A visitor with cookies of their own, in whose page nothing went wrong."""
    async with await _context(browser, options) as context:
        visitor = Visitor(await context.new_page())
        yield visitor
        assert visitor.problems == []


async def _context(browser: Browser, options: dict[str, Any]) -> BrowserContext:
    context = await browser.new_context(**options)
    await context.add_init_script(_NOTE_WHEN_USED)
    return context
