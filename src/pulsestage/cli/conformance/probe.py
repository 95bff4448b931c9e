"""What a check is given: streams and guests that end when it does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pulsestage.cli.conformance.guest import Guest, Query, written
from pulsestage.cli.conformance.rules import Broken, expect
from pulsestage.cli.conformance.stream import Frame, Stream
from pulsestage.cli.conformance.wire import Answer, Connection, request_head

if TYPE_CHECKING:
    from pulsestage.cli.conformance.wire import Target


OK = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try, and where."""

    target: Target
    tenant: str = "default"
    writes: bool = True
    slow: bool = False
    timeout_seconds: float = 10.0


@dataclass(slots=True)
class Tour:
    """One long look at a stream: the frames that rules about framing are held against, and who was there."""

    frames: list[Frame] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    problem: str = "a stream without frames"

    def seen(self) -> list[Frame]:
        """The frames that are messages. Raises Broken if there are none."""
        frames = [frame for frame in self.frames if frame.values("data")]
        expect(frames, "frames", self.problem)
        return frames


class Probe:
    """One check's hands. Everything it waits for ends at `deadline`."""

    def __init__(self, plan: Plan, tour: Tour, seconds: float) -> None:
        self.plan = plan
        self.tour = tour
        self.deadline = asyncio.get_running_loop().time() + seconds
        self.guests: list[Guest] = []
        self._open: list[Connection] = []

    def guest(self) -> Guest:
        """Somebody new in the tenant."""
        guest = Guest(self.plan.target, self.plan.tenant, self.deadline)
        self.guests.append(guest)
        return guest

    async def connect(self) -> Connection:
        """A connection that ends with the check. Raises OSError."""
        connection = await Connection.open(self.plan.target)
        self._open.append(connection)
        return connection

    async def refusal(self, query: Query, *, path: str = "/sse") -> Answer:
        """The answer to a request for a stream that can't be had. Raises Broken if it is a stream all the same."""
        head = (stream := await self.raw(query, path=path)).head
        expect(head.status != OK, f"no stream at {path} with {query}", str(head))
        try:
            async with asyncio.timeout_at(self.deadline):
                return Answer(head, await stream.connection.body(head))
        except TimeoutError:
            raise Broken("a whole answer", "nothing more in time") from None

    async def stream(
        self, query: Query | None = None, headers: dict[str, str] | None = None, *, path: str = "/sse"
    ) -> Stream:
        """A stream that has begun. Raises Broken if the answer is none."""
        stream = await self.raw(query, headers, path=path)
        # What follows the type has a rule of its own.
        kind = stream.head.get("content-type").partition(";")[0].strip().lower()
        expect(stream.head.status == OK and kind == "text/event-stream", "a stream", str(stream.head))
        return stream

    async def raw(
        self,
        query: Query | None = None,
        headers: dict[str, str] | None = None,
        *,
        path: str = "/sse",
        method: str = "GET",
        version: str = "1.1",
        more: bytes = b"",
    ) -> Stream:
        """Whatever answers a request for a stream. `more` is sent right behind the request."""
        connection = await self.connect()
        where = f"{path}?{written(self._named(query))}"
        wanted = {"Accept": "text/event-stream", **(headers or {})}
        connection.send(request_head(self.plan.target, method, where, wanted, version) + more)
        try:
            async with asyncio.timeout_at(self.deadline):
                head = await connection.head()
        except TimeoutError:
            raise Broken("an answer", "nothing in time") from None
        return Stream(connection, head, self.deadline)

    async def questions(self, guest: Guest) -> tuple[dict[str, Any], set[str]]:
        """All pages of questions, by id, and the positions of these pages."""
        found: dict[str, Any] = {}
        positions: set[str] = set()
        page: str | None = "/questions?limit=100"
        while page:
            answer = (await guest.request("GET", page)).must_be(200)
            found |= {each["id"]: each for each in answer.json()}
            positions.add(answer.position)
            link = answer.head.get("link")
            page = urljoin("/questions", link[1 : link.index(">")]) if 'rel="next"' in link else None
        return found, positions

    def close(self) -> None:
        """End its connections."""
        for connection in self._open:
            connection.close()

    def _named(self, query: Query | None) -> Query:
        """With the tenant, unless the query says otherwise."""
        query = query or {}
        return query if {"tenant", "tenantId"} & query.keys() else {"tenantId": self.plan.tenant, **query}
