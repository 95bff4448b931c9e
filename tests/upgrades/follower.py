"""A client that asks and votes at one server, and follows its stream."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Self

import httpx
from httpx_sse import EventSource

from tests.cli.processes import eventually


class Follower:
    """Somebody at a server. Ends with its block."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, params={"tenantId": "default"}, timeout=20)
        self._seen: list[tuple[str, Any]] = []
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.sees("connected")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, text: str) -> str:
        """Ask a question. Its id."""
        answer = self._client.post("/questions", json={"body": text})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def vote(self, question: str) -> None:
        """Vote for it."""
        answer = self._client.post(f"/questions/{question}/upvote")
        assert answer.status_code == 200, answer.text

    def finds(self, words: str) -> list[str]:
        """The ids of the questions that have these words."""
        answer = self._client.get("/questions", params={"tenantId": "default", "search": words})
        assert answer.status_code == 200, answer.text
        return [str(question["id"]) for question in answer.json()]

    def sees(self, kind: str, **data: Any) -> None:
        """Wait until the stream had an event of this type with this data."""
        eventually(lambda: any(each == kind and data.items() <= its.items() for each, its in list(self._seen)))

    def _follow(self) -> None:
        with suppress(httpx.TransportError), self._client.stream("GET", "/sse", timeout=60) as answer:
            for event in EventSource(answer).iter_sse():
                self._seen.append((event.json()["type"], event.json().get("data") or {}))
