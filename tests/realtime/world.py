"""A world in which everything can go wrong: truth, trouble, and clients that mind every rule."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from pulsestage.realtime import (
    EVERY_TOPIC,
    EncodingName,
    Event,
    Filter,
    Hub,
    LogBounds,
    MemoryEventStore,
    Position,
    StreamRequest,
)
from tests.realtime.support import START, Frame, ManualClock, RecordingSink

TENANTS = ("acme", "widgets")
AUDIENCES = (("public",), ("moderators", "public"), ("person:1", "public"), ())
ENCODINGS: tuple[EncodingName, ...] = ("identity", "gzip")
FILTERS = (Filter(), Filter(topic="x"), Filter(types=frozenset({"value"})))
Answer = TypeVar("Answer")


class TroubledStore:
    """A memory store that answers late, or not at all. Its answers are as old as the questions."""

    def __init__(self) -> None:
        self.memory = MemoryEventStore()
        self.broken = False
        self.open = asyncio.Event()
        self.open.set()

    async def bounds(self, tenants: Collection[str]) -> Mapping[str, LogBounds]:
        return await self.answer(await self.memory.bounds(tenants))

    async def read(self, tenant: str, after: int, limit: int) -> Sequence[Event]:
        return await self.answer(await self.memory.read(tenant, after, limit))

    async def answer(self, result: Answer) -> Answer:
        await self.open.wait()
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("trouble")
        return result


@dataclass
class Tenant:
    """The truth: for each audience, values that change and items that don't, each with its topic."""

    name: str
    values: dict[tuple[str, str | None], dict[str, int]] = field(default_factory=dict)
    items: dict[tuple[str, str | None], dict[str, int]] = field(default_factory=dict)

    def seen_by(self, audiences: tuple[str, ...], filter_: Filter) -> dict[str, Any]:
        """What a stream with these may know: the snapshot's data."""

        def pick(variants: Mapping[str, int]) -> int | None:
            return next((variants[audience] for audience in audiences if audience in variants), None)

        return {
            kind: {
                key: value
                for (key, topic), variants in entries.items()
                if filter_.passes(kind.removesuffix("s"), topic) and (value := pick(variants)) is not None
            }
            for kind, entries in (("values", self.values), ("items", self.items))
        }


@dataclass(eq=False)
class Client:
    """Folds frames as a web client does, and minds every rule on the way."""

    tenant: Tenant
    audiences: tuple[str, ...]
    filter: Filter
    encoding: EncodingName
    wants_snapshot: bool
    """Who doesn't asks for the state by another way, before the stream and after each reset."""
    sink: RecordingSink = field(default_factory=RecordingSink)
    state: dict[str, Any] = field(default_factory=dict)
    position: str | None = None
    read: int = 0
    greeted: bool = False
    was_reset: bool = False
    """Since the last id: what follows needn't follow it."""

    def fold(self, lost: int = 0) -> None:
        """Take in what has come since the last time, but for the last few frames if they were lost on the way."""
        frames = self.sink.frames
        frames = frames[self.read : max(self.read, len(frames) - lost)]
        for frame in frames:
            self.take(frame)
        self.read += len(frames)

    def take(self, frame: Frame) -> None:
        assert frame.message["tenantId"] == self.tenant.name
        if frame.type == "connected":
            assert not self.greeted
            self.greeted = True
        elif frame.type != "goodbye":
            assert self.greeted, "connected comes first"
        if frame.type == "snapshot":
            self.state = frame.data
            self.was_reset = False
        elif frame.type == "reset":
            self.was_reset = True
            assert frame.data["reason"] in {"unknown-position", "expired-position"}
            self.state = {} if self.wants_snapshot else self.tenant.seen_by(self.audiences, self.filter)
        elif frame.type in {"value", "item"}:
            self.take_event(frame)
        if frame.id is not None:
            self.position = frame.id

    def take_event(self, frame: Frame) -> None:
        assert self.position is not None
        assert frame.id is not None
        before, now = Position.parse(self.position), Position.parse(frame.id)
        assert self.was_reset or now.epoch == before.epoch
        assert self.was_reset or now.seq > before.seq, "in order, each once"
        self.was_reset = False
        assert frame.data["for"] in self.audiences
        assert self.filter.passes(frame.type, frame.data["topic"])
        if frame.type == "value":
            self.state["values"][frame.data["key"]] = frame.data["value"]
        else:
            self.state["items"][frame.data["key"]] = frame.data["value"]


class World:
    """Everything, and what can happen to it: each method without an underscore is one thing."""

    def __init__(self, random: Random, hub: Hub, store: TroubledStore, clock: ManualClock) -> None:
        self.random, self.hub, self.store, self.clock = random, hub, store, clock
        self.tenants = {name: Tenant(name) for name in TENANTS}
        self.clients: list[Client] = []
        self.pending: list[tuple[str, str, list[Event]]] = []
        self.numbers = 0
        for name in TENANTS:
            store.memory.create(name)

    async def commit(self) -> None:
        """Change something; tell at once, later, or never."""
        tenant = self.tenants[self.random.choice(TENANTS)]
        events = [self._change(tenant) for _ in range(self.random.randint(1, 4))]
        announcement = (tenant.name, self._epoch(tenant.name), events)
        fate = self.random.random()
        if fate < 0.6:
            self.hub.append(*announcement)
        if fate > 0.4:
            self.pending.append(announcement)  # so that some are told twice
        if fate > 0.9:
            self.pending.pop()

    async def burst(self) -> None:
        """Many changes at once, more than the window holds."""
        for _ in range(12):
            await self.commit()

    async def announce(self) -> None:
        """Something that was held back, whichever."""
        if self.pending:
            index = self.random.randrange(len(self.pending))
            self.hub.append(*(self.pending.pop(index) if self.random.random() < 0.7 else self.pending[index]))

    async def join(self) -> None:
        if len(self.clients) < 12:
            tenant = self.tenants[self.random.choice(TENANTS)]
            choice = self.random.choice
            client = Client(tenant, choice(AUDIENCES), choice(FILTERS), choice(ENCODINGS), choice((True, False)))
            if not client.wants_snapshot:
                client.state = tenant.seen_by(client.audiences, client.filter)
                client.position = f"{self._epoch(tenant.name)}.{self.store.memory._logs[tenant.name].head}"
            self.clients.append(client)
            await self._connect(client)

    async def leave(self) -> None:
        """Lose the connection; what had arrived is kept, perhaps not all of what was sent."""
        for client in self._some():
            client.fold(lost=self.random.choice((0, 0, 1, 2)))
            client.sink.vanish()
            client.read = len(client.sink.frames)

    async def come_back(self) -> None:
        for client in self._some():
            if client.sink.closed or client.sink._gone:
                await self._connect(client)

    async def slow_down(self) -> None:
        for client in self._some():
            client.sink.stop(self.random.randint(1, 3))

    async def read_on(self) -> None:
        for client in self._some():
            client.sink.drain(self.random.choice((None, 1, 2)))

    async def beat(self) -> None:
        """Hearts beat, whoever is just being written to."""
        self.hub._timers["turn"].cancel()
        self.hub._turn(due=self.clock.time())

    async def prune(self) -> None:
        name = self.random.choice(TENANTS)
        log = self.store.memory._logs[name]
        self.store.memory.prune(name, self.random.randint(log.floor, log.head))

    async def lose_log(self) -> None:
        """The log is lost, and with it perhaps some of the truth, as after a restore."""
        tenant = self.tenants[self.random.choice(TENANTS)]
        backup = self.store.memory._logs[tenant.name].events
        self.store.memory.create(tenant.name)
        if self.random.random() < 0.5:  # what came after the backup is lost, and its numbers are given again
            log = self.store.memory._logs[tenant.name]
            log.floor = max(0, backup[0].seq - 1) if backup else 0
            log.events = backup[: -self.random.randint(1, 5)]
        if self.random.random() < 0.5:
            tenant.items = dict(list(tenant.items.items())[::2])
            tenant.values = dict(list(tenant.values.items())[::2])

    async def hold_store(self) -> None:
        self.store.open.clear()

    async def release_store(self) -> None:
        self.store.open.set()

    async def break_store(self) -> None:
        self.store.broken = True

    async def mend_store(self) -> None:
        self.store.broken = False

    async def breathe(self) -> None:
        """A few steps of the loop, in which some of what is under way gets done."""
        for _ in range(self.random.randint(1, 6)):
            await asyncio.sleep(0)

    async def wait(self) -> None:
        await self.clock.advance(self.random.choice((0.005, 0.02, 0.15, 1.0, 6.0)))

    async def at_last(self) -> None:
        """All trouble ends, and everybody gets the time he needs."""
        self.store.broken = False
        self.store.open.set()
        for _ in range(4):
            for client in self.clients:
                if client.sink.closed or client.sink._gone:
                    await self._connect(client)
                client.sink.drain()
            await self.clock.advance(6)

    def check(self, *, complete: bool) -> None:
        """Every client's frames are in order; in the end its state is the truth."""
        for client in self.clients:
            client.fold()
            if complete:
                truth = client.tenant.seen_by(client.audiences, client.filter)
                assert client.state == truth, (client.audiences, client.filter, client.position)

    def _epoch(self, tenant: str) -> str:
        return self.store.memory._logs[tenant].epoch

    def _some(self) -> list[Client]:
        return [client for client in self.clients if self.random.random() < 0.4]

    def _change(self, tenant: Tenant) -> Event:
        self.numbers += 1
        audiences = self.random.choice((("public",), ("public", "moderators"), ("moderators",), ("person:1",)))
        topic = self.random.choice(("x", "y", None, EVERY_TOPIC))
        variants = {audience: self.numbers * 10 + index for index, audience in enumerate(audiences)}
        key = None
        if self.random.random() < 0.7:
            # A key keeps its topic and its audiences, as a question does: who sees one value of it sees all.
            name = f"{topic}/{'+'.join(audiences)}/{self.random.choice('ab')}"
            tenant.values[name, topic] = variants
            key = f"value:{name}"
        else:
            name = f"item {self.numbers}"
            tenant.items[name, topic] = variants
        return self.store.memory.append(
            tenant.name,
            "item" if key is None else "value",
            START,
            {
                audience: json.dumps({"for": audience, "topic": topic, "key": name, "value": value}).encode()
                for audience, value in variants.items()
            },
            topic=topic,
            key=key,
        )

    async def _connect(self, client: Client) -> None:
        client.fold()
        client.sink = RecordingSink(client.encoding, room=self.random.choice((None, None, 1, 3)))
        client.read = 0
        client.greeted = False

        async def snapshot() -> tuple[Position, bytes]:
            bounds = (await self.store.memory.bounds((client.tenant.name,)))[client.tenant.name]
            data = json.dumps(client.tenant.seen_by(client.audiences, client.filter)).encode()
            await self.store.answer(None)
            return Position(bounds.epoch, bounds.head), data

        request = StreamRequest(
            tenant=client.tenant.name,
            audiences=client.audiences,
            filter=client.filter,
            last_event_id=client.position,
            snapshot=snapshot if client.wants_snapshot else None,
            encoding=client.encoding,
        )
        await self.hub.subscribe(request, client.sink)
