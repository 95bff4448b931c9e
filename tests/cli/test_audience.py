from __future__ import annotations

import json
import random
from typing import Any

import httpx
import pytest

from pulsestage.cli.audience import Person

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
