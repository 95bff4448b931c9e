"""A hub with everything around it, for tests that look at it from outside."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from pulsestage.realtime import (
    Event,
    Hub,
    LogBounds,
    MemoryEventStore,
    Position,
    StreamRequest,
    Subscription,
)
from tests.realtime.support import PUBLIC, START, ManualClock, RecordingSink, settle

Answer = TypeVar("Answer")


class WatchedStore:
    """A memory store whose answers can be held back or replaced by errors, and whose questions are counted."""

    def __init__(self) -> None:
        self.memory = MemoryEventStore()
        self.asked: list[str] = []
        self.broken = False
        self.open = asyncio.Event()
        self.open.set()

    async def bounds(self, tenants: Collection[str]) -> Mapping[str, LogBounds]:
        return await self._answer("bounds", await self.memory.bounds(tenants))

    async def read(self, tenant: str, after: int, limit: int) -> Sequence[Event]:
        return await self._answer(f"read {after}", await self.memory.read(tenant, after, limit))

    async def _answer(self, question: str, answer: Answer) -> Answer:
        """The answer is as old as the question."""
        self.asked.append(question)
        await self.open.wait()
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("the database is away")
        return answer


class House:
    """A hub with its store, its clock and its readers."""

    def __init__(self, store: WatchedStore, clock: ManualClock, hub: Hub) -> None:
        self.store = store
        self.clock = clock
        self.hub = hub
        self.epoch = "e1"

    def log(self, count: int = 1, *, tenant: str = "t1", **members: Any) -> list[Event]:
        """Commit events without telling the hub."""
        type_ = members.pop("type_", "thing:changed")
        variants = members.pop("variants", {"public": b"{}"})
        return [self.store.memory.append(tenant, type_, START, variants, **members) for _ in range(count)]

    def say(self, count: int = 1, **members: Any) -> list[Event]:
        """Commit events and tell the hub."""
        events = self.log(count, **members)
        self.hub.append(members.get("tenant", "t1"), self.epoch, events)
        return events

    async def join(self, sink: RecordingSink | None = None, **request: Any) -> RecordingSink:
        return (await self.subscribe(sink, **request))[0]

    async def subscribe(self, sink: RecordingSink | None = None, **request: Any) -> tuple[RecordingSink, Subscription]:
        sink = sink or RecordingSink(request.get("encoding", "identity"))
        subscription = await self.hub.subscribe(StreamRequest(**{"tenant": "t1", "audiences": PUBLIC, **request}), sink)
        await settle()
        return sink, subscription

    def snapshot(self, calls: list[str] | None = None) -> Callable[[], Any]:
        async def make() -> tuple[Position, bytes]:
            if calls is not None:
                calls.append("snapshot")
            bounds = (await self.store.memory.bounds(["t1"]))["t1"]
            return Position(bounds.epoch, bounds.head), b'{"all":true}'

        return make
