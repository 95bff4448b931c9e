from __future__ import annotations

import asyncio
import json
import random
from functools import partial
from typing import Any

import httpx
import pytest

from pulsestage.cli import audience
from pulsestage.cli.audience import Person
from pulsestage.cli.demo_data import DemoRoom

pytestmark = pytest.mark.anyio


def question(name: str, **state: bool) -> dict[str, Any]:
    return {"id": name, "upvotes": 1, "hasUpvoted": False, "isFrozen": False, "isMine": False, **state}


async def what_is_done(*listed: dict[str, Any]) -> set[tuple[str, str]]:
    """What many visits to this list come to."""
    done: set[tuple[str, str]] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            done.add((request.method, request.url.path))
        return httpx.Response(200, text=json.dumps(listed))

    async with httpx.AsyncClient(base_url="http://test", transport=httpx.MockTransport(answer)) as client:
        dice = random.Random(7)
        for _ in range(200):
            await Person(client, "acme").vote(dice)
    return done


async def test_votes_go_where_votes_may_go() -> None:
    done = await what_is_done(
        question("open"), question("too"), question("mine", isMine=True), question("frozen", isFrozen=True)
    )
    assert done == {("POST", "/questions/open/upvote"), ("POST", "/questions/too/upvote")}


async def test_when_all_is_voted_for_votes_are_taken_back() -> None:
    done = await what_is_done(question("given", hasUpvoted=True), question("frozen", hasUpvoted=True, isFrozen=True))
    assert done == {("DELETE", "/questions/given/upvote")}


async def test_an_empty_room_is_no_problem() -> None:
    assert await what_is_done() == set()


async def test_people_of_each_room_come_ask_and_vote_whatever_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    done: set[tuple[str, str, str]] = set()
    has_begun = asyncio.Event()
    wanted = {
        *(
            (slug, *what)
            for slug in ("one", "two")
            for what in (("GET", "/session"), ("POST", "/questions/open/upvote"))
        ),
        ("one", "POST", "/questions"),
        ("two", "POST", "/questions"),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        done.add((request.headers["x-tenant-id"], request.method, request.url.path))
        if done >= wanted:
            has_begun.set()
        if request.url.path == "/session":
            raise httpx.ConnectError("nobody is there yet")
        return httpx.Response(200, json=[question("open")])

    for pause in ("SECONDS_BETWEEN_VOTES", "SECONDS_BETWEEN_QUESTIONS"):
        monkeypatch.setattr(audience, pause, (0.0, 0.0))
    monkeypatch.setattr(httpx, "AsyncClient", partial(httpx.AsyncClient, transport=httpx.MockTransport(answer)))
    rooms = [DemoRoom(slug, slug, 1, (), (), (), ("Later?",)) for slug in ("one", "two", "empty")]
    attending = asyncio.create_task(audience.attend("http://test", rooms, 3, random.Random(7)))
    await asyncio.wait_for(has_begun.wait(), 30)
    attending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attending
    assert {slug for slug, _, _ in done} == {"one", "two"}
