"""A client with one kept connection, which knows of every request whether it was answered."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

SHORT_PAUSE_SECONDS = (0.0, 0.1)
LONG_PAUSE_SECONDS = (2.0, 4.0)
"""Less than the 5 seconds for which a stopping server waits for a request on an idle connection: after that it closes
the connection, and no server can know that a request is on its way just then."""
LONG_PAUSES = 0.03
"""Share of the pauses between two requests that are long: a stop should find idle connections too."""
RETRY_SECONDS = 0.01
"""Between two attempts to connect to a server that is down."""


class Asked(NamedTuple):
    """A question as it is in the end."""

    text: str
    upvotes: int


@dataclass
class Record:
    """What all callers of a run were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    """Texts of the questions whose creation was confirmed."""
    newest: tuple[str, str, str] = ("nobody", "", "")
    """Who asked the last of them, its id and its text: others vote for it."""
    voted: Counter[str] = field(default_factory=Counter)
    """Votes that were confirmed, by the question's text."""
    unanswered: list[str] = field(default_factory=list)
    """Requests written to an established connection that ended without a response."""

    @property
    def requests(self) -> int:
        """How many were sent."""
        return self.statuses.total() + len(self.unanswered)

    def faults(self, questions: Sequence[Asked]) -> dict[str, int]:
        """What is wrong, given all questions there are in the end."""
        texts = Counter(each.text for each in questions)
        upvotes = {each.text: each.upvotes for each in questions}
        return {
            "unanswered": len(self.unanswered),
            "other than 200, 201": sum(count for status, count in self.statuses.items() if status not in {200, 201}),
            "lost": sum(not texts[text] for text in self.asked),
            "doubled": sum(texts[text] > 1 for text in self.asked),
            "miscounted": sum(upvotes.get(text) != self.voted[text] for text in self.asked),
        }


class Unanswered(Exception):
    """The connection ended between a request and its response."""


class Caller:
    """Asks, votes for what it has asked, and asks again, each time on the connection it has."""

    def __init__(self, name: str, port: int, record: Record, trust: ssl.SSLContext | None = None) -> None:
        self._name = name
        self._port = port
        self._record = record
        self._trust = trust
        self._cookie = ""
        self._paused = 0.0
        self._writer: asyncio.StreamWriter | None = None
        self._reader = asyncio.StreamReader()

    async def run(self, over: asyncio.Event) -> None:
        """Go on until it is over."""
        number = 0
        while not over.is_set():
            number += 1
            text = f"Question {number} of {self._name}?"
            answer = await self._request("POST", "/questions", json.dumps({"body": text}))
            if answer is not None:
                self._record.asked.append(text)
                self._record.newest = (self._name, json.loads(answer)["id"], text)
            await self._pause()
            author, question, its_text = self._record.newest
            if author not in {self._name, "nobody"} and await self._request("POST", f"/questions/{question}/upvote"):
                self._record.voted[its_text] += 1
            await self._pause()
        self._hang_up()

    async def _pause(self) -> None:
        long = random.random() < LONG_PAUSES
        self._paused = random.uniform(*(LONG_PAUSE_SECONDS if long else SHORT_PAUSE_SECONDS))
        await asyncio.sleep(self._paused)

    async def _request(self, method: str, path: str, body: str = "") -> bytes | None:
        """The body of the answer; None if there was no answer, or no success."""
        if self._reader.at_eof():  # the server has closed the connection meanwhile, as every client would notice
            self._hang_up()
        if self._writer is None:
            await self._connect()
        try:
            status, answer = await self._exchange(f"{method} {path}", body)
        except Unanswered:
            self._hang_up()
            self._record.unanswered.append(f"{self._name}: {method} {path} after {self._paused:.2f} s")
            return None
        self._record.statuses[status] += 1
        return answer if status in {200, 201} else None

    async def _connect(self) -> None:
        host = "qa.example.org" if self._trust else None
        while self._writer is None:
            try:
                self._reader, self._writer = await asyncio.open_connection(
                    "127.0.0.1", self._port, ssl=self._trust, server_hostname=host
                )
            except OSError:
                await asyncio.sleep(RETRY_SECONDS)

    async def _exchange(self, line: str, body: str) -> tuple[int, bytes]:
        assert self._writer is not None
        lines = [f"{line} HTTP/1.1", "Host: qa.example.org", "X-Tenant-ID: acme", f"Content-Length: {len(body)}"]
        lines += ["Content-Type: application/json"] if body else []
        lines += [f"Cookie: {self._cookie}"] if self._cookie else []
        self._writer.write("\r\n".join([*lines, "", body]).encode())
        try:
            status, *fields = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
            answer = await self._body(headers)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Unanswered from error
        self._cookie = headers.get("set-cookie", self._cookie).partition(";")[0]
        if headers.get("connection", "").lower() == "close":
            self._hang_up()
        return int(status.split()[1]), answer

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)
        return body

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
