"""The first two promises, with a server that is killed at its busiest: what was answered with success is there.

`kill -9` ends the process, not the machine: what a power cut leaves is the database's promise.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import select

from pulsestage.realtime import Position
from pulsestage.storage.event_log import SqlEventStore
from pulsestage.storage.tables import questions, votes
from tests.live.venue import Venue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pulsestage.realtime import Event

PEOPLE = 40
ENOUGH = 400
"""Accepted requests after which the server is killed, with others still on their way."""


@dataclass
class Book:
    """What the server said it had done."""

    asked: dict[str, str] = field(default_factory=dict)
    """Question id -> its text."""
    voted: set[tuple[str, str]] = field(default_factory=set)
    """(person, question id)"""
    unanswered: int = 0
    positions: list[Position] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, answer: httpx.Response) -> None:
        """A change was accepted."""
        self.positions.append(Position.parse(answer.headers["X-Stream-Position"]))
        if len(self.positions) >= ENOUGH:
            self.full.set()


class Crowd:
    """People who ask and vote as fast as they can, until nobody answers."""

    def __init__(self, venue: Venue, http: httpx.AsyncClient) -> None:
        self.book = Book()
        self._venue = venue
        self._http = http

    async def attend(self, person: str) -> None:
        """One of them: asks, then votes for everything it hasn't voted for."""
        try:
            number = 0
            while True:
                number += 1
                await self._ask(person, f"{person} asks for the {number}. time?")
                for question_id in [*self.book.asked]:
                    if (person, question_id) not in self.book.voted:
                        await self._vote(person, question_id)
        except httpx.TransportError:
            self.book.unanswered += 1

    async def voted(self, person: str, question_id: str) -> bool:
        """Whether the server knows of the vote."""
        answer = await self._request("GET", f"/questions/{question_id}", person)
        return bool(answer.json()["hasUpvoted"])

    async def _ask(self, person: str, body: str) -> None:
        answer = await self._request("POST", "/questions", person, json={"body": body})
        assert answer.status_code == 201, answer.text
        self.book.asked[answer.json()["id"]] = body
        self.book.note(answer)

    async def _vote(self, person: str, question_id: str) -> None:
        answer = await self._request("POST", f"/questions/{question_id}/upvote", person)
        if answer.status_code == 409:
            assert answer.json()["code"] == "own_question"
            return
        assert answer.status_code == 200, answer.text
        self.book.voted.add((person, question_id))
        self.book.note(answer)

    async def _request(self, method: str, path: str, person: str, **more: Any) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self._venue.cookie("acme", person).items())
        headers = {"X-Tenant-ID": "acme", "Cookie": cookie}
        return await self._http.request(method, self._venue.url + path, headers=headers, **more)


@pytest.fixture
async def venue(database_url: str, tmp_path: Path) -> AsyncIterator[Venue]:
    venue = Venue(tmp_path, database_url=database_url)
    await venue.found(acme="Acme")
    await venue.start()
    yield venue
    await venue.stop()


async def test_what_was_accepted_survives_a_kill(venue: Venue) -> None:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=PEOPLE), timeout=30) as http:
        crowd = Crowd(venue, http)
        async with asyncio.TaskGroup() as tasks:
            for number in range(PEOPLE):
                tasks.create_task(crowd.attend(f"person {number}"))
            await crowd.book.full.wait()
            await venue.stop(signal.SIGKILL)
        book = crowd.book
        assert book.unanswered == PEOPLE, "everybody was in the middle of something"
        await venue.start()
        for person, question_id in book.voted:
            assert await crowd.voted(person, question_id)

    async with venue.opened() as database:
        async with database.read() as connection:
            rows = (await connection.execute(select(questions.c.id, questions.c.body, questions.c.upvotes))).all()
            pairs = (await connection.execute(select(votes.c.question_id, votes.c.voter_key))).all()
        [bounds] = (await SqlEventStore(database).bounds([venue.rooms["acme"].id])).values()
        log = await SqlEventStore(database).read(venue.rooms["acme"].id, 0, 100_000)

    kept = {row.id: row.body for row in rows}
    assert kept.items() >= book.asked.items()
    counts = Counter(row.question_id for row in pairs)
    assert {row.id: row.upvotes for row in rows} == {row.id: counts[row.id] for row in rows}
    accepted = len(book.asked) + len(book.voted)
    assert accepted <= len(kept) + len(pairs) <= accepted + book.unanswered

    assert [event.seq for event in log] == list(range(1, bounds.head + 1))
    assert max(position.seq for position in book.positions) <= bounds.head
    assert {position.epoch for position in book.positions} == {bounds.epoch}
    assert _told(log) == {row.id: row.upvotes for row in rows}


def _told(log: list[Event]) -> dict[str, int]:
    """The counts that somebody knows who has read the log."""
    told: dict[str, int] = {}
    for event in log:
        data = json.loads(event.variants["public"])
        told[data["id"]] = data["upvotes"]
    return told
