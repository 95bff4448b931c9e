"""A person at the server: asks, votes and takes it back, with cookies of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from pulsestage.cli.conformance.rules import Broken, Skipped
from pulsestage.cli.conformance.wire import Answer, ask, request_head

if TYPE_CHECKING:
    from pulsestage.cli.conformance.wire import Target

CREATED, FORBIDDEN = 201, 403


Query = Mapping[str, str | None]
"""Parameters; what is None is left out."""


def written(query: Query) -> str:
    """A query string."""
    return urlencode({name: value for name, value in query.items() if value is not None}, quote_via=quote, safe="")


class Guest:
    """Somebody new. `deadline` is the event loop's time at which waiting for an answer ends."""

    def __init__(self, target: Target, tenant: str, deadline: float) -> None:
        self.deadline = deadline
        self.asked: set[str] = set()
        self._asking: list[asyncio.Future[dict[str, Any]]] = []
        self._target = target
        self._tenant = tenant
        self._cookies: dict[str, str] = {}

    @property
    def cookie(self) -> dict[str, str]:
        """The header that says who this is; empty as long as the server has given no cookie."""
        value = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Cookie": value} if value else {}

    @property
    def secrets(self) -> list[str]:
        """What nobody else may ever see."""
        return [value for value in self._cookies.values() if value]

    async def request(self, method: str, path: str, query: Query | None = None, body: object = None) -> Answer:
        """Send a request to the tenant. Raises Broken, EOFError, OSError."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"X-Tenant-ID": self._tenant, "Connection": "close", **self.cookie}
        if content:
            headers["Content-Type"] = "application/json"
        if content or method == "POST":
            headers["Content-Length"] = str(len(content))
        where = f"{path}?{written(query)}" if query else path
        try:
            async with asyncio.timeout_at(self.deadline):
                answer = await ask(self._target, request_head(self._target, method, where, headers), content)
        except TimeoutError:
            raise Broken(f"an answer to {method} {path}", "nothing in time") from None
        for header in answer.head.all("set-cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        return answer

    async def arrive(self) -> Guest:
        """Get the cookie, so that requests at one time are one person's."""
        (await self.request("GET", "/session")).must_be(200)
        return self

    async def ask(self, body: str | None = None, team: str | None = None) -> dict[str, Any]:
        """Ask a question; the answer's position is in `position`. Raises Skipped if guests may not."""
        # Ctrl-C ends the check, not this: what is being asked has to be known, to be withdrawn by `leave`.
        asking = asyncio.ensure_future(self._ask(body, team))
        self._asking.append(asking)
        return await asyncio.shield(asking)

    async def _ask(self, body: str | None, team: str | None) -> dict[str, Any]:
        asked: dict[str, Any] = {"body": body or f"A question of the conformance suite, {uuid4()}"}
        answer = await self.request("POST", "/questions", body=asked | ({"teamId": team} if team else {}))
        if answer.head.status == FORBIDDEN:
            raise Skipped("guests may not ask in this tenant")
        question = answer.must_be(CREATED).json()
        if not isinstance(question, dict) or not isinstance(question.get("id"), str):
            raise Broken("a Question", answer.body)
        self.asked.add(question["id"])
        return question | {"position": answer.position}

    async def vote(self, question: dict[str, Any]) -> Answer:
        """Vote for it."""
        return await self.request("POST", f"/questions/{question['id']}/upvote")

    async def take_back(self, question: dict[str, Any]) -> Answer:
        """Take the vote back."""
        return await self.request("DELETE", f"/questions/{question['id']}/upvote")

    async def withdraw(self, question: dict[str, Any]) -> Answer:
        """Withdraw it."""
        answer = await self.request("DELETE", f"/questions/{question['id']}")
        self.asked.discard(question["id"])
        return answer

    async def leave(self) -> None:
        """Withdraw what is still there."""
        await asyncio.gather(*self._asking, return_exceptions=True)
        for each in list(self.asked):
            (await self.withdraw({"id": each})).must_be(204)
