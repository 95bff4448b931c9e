"""Two hubs over one store, as in two processes, with a relay between them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from pulsestage.realtime import Announcement, Hub, MemoryBus, MemoryRelay, StreamRequest
from tests.realtime.house import WatchedStore
from tests.realtime.support import PUBLIC, START, ManualClock, RecordingSink, event, make_hub, settle


@dataclass
class Processes:
    """One commits, the other has a stream."""

    store: WatchedStore
    bus: MemoryBus
    clock: ManualClock
    here: Hub
    sink: RecordingSink

    def commit(self, count: int = 1) -> None:
        events = [self.store.memory.append("t1", "thing:changed", START, {"public": b"{}"}) for _ in range(count)]
        self.here.append("t1", "e1", events)


@pytest.fixture
async def two() -> AsyncIterator[Processes]:
    store, bus, clock, sink = WatchedStore(), MemoryBus(), ManualClock(), RecordingSink()
    store.memory.create("t1")
    async with (
        make_hub(store, clock, MemoryRelay(bus)) as here,
        make_hub(store, clock, MemoryRelay(bus)) as there,
    ):
        await there.subscribe(StreamRequest(tenant="t1", audiences=PUBLIC), sink)
        await settle()
        store.asked.clear()
        yield Processes(store, bus, clock, here, sink)


async def test_what_one_commits_the_other_sends_and_asks_nobody(two: Processes) -> None:
    two.commit(2)
    await settle()
    assert two.sink.ids[1:] == ["e1.1", "e1.2"]
    assert two.store.asked == []


async def test_a_head_without_its_events_is_read_at_once(two: Processes) -> None:
    two.commit()
    two.store.memory.append("t1", "thing:changed", START, {"public": b"{}"})
    two.bus.publish(Announcement("t1", "e1", 2).encode())
    await settle()
    await two.clock.advance(0.02)  # the flush
    assert two.sink.ids[1:] == ["e1.1", "e1.2"]
    assert two.store.asked == ["read 1", "bounds"]


async def test_a_lost_announcement_is_made_up_for_when_the_next_one_comes(two: Processes) -> None:
    two.store.memory.append("t1", "thing:changed", START, {"public": b"{}"})
    two.commit()
    await settle()
    await two.clock.advance(0.1)
    assert two.sink.ids[1:] == ["e1.1", "e1.2"]


async def test_during_an_outage_the_log_is_looked_at_more_often(two: Processes) -> None:
    two.bus.stop()
    two.commit()
    await two.clock.advance(0.7)
    assert two.sink.ids[1:] == ["e1.1"]


async def test_after_an_outage_the_log_is_looked_at_once_more(two: Processes) -> None:
    two.bus.stop()
    await two.clock.advance(0.5)
    two.commit()
    two.bus.start()
    await two.clock.advance(0.7)
    assert two.sink.ids[1:] == ["e1.1"]


async def test_a_healthy_relay_lets_the_log_rest(two: Processes) -> None:
    await two.clock.advance(4.5)
    assert two.store.asked == []
    await two.clock.advance(1)
    assert two.store.asked == ["bounds"]


async def test_an_epoch_that_is_not_the_logs_changes_nothing(two: Processes) -> None:
    two.bus.publish(Announcement("t1", "foreign", 7, tuple(event(seq) for seq in range(1, 8))).encode())
    two.bus.publish(Announcement("t1", "foreign", 9).encode())
    two.bus.publish(Announcement("t9", "e1", 1).encode())
    await settle()
    two.commit()
    await settle()
    assert two.sink.types == ["connected", "thing:changed"]


async def test_a_hub_that_has_closed_hears_nothing(two: Processes) -> None:
    relay = MemoryRelay(two.bus)
    async with make_hub(two.store, two.clock, relay):
        assert relay.healthy
    assert not relay.healthy


async def test_a_hub_whose_goodbyes_are_cut_short_leaves_its_relay_too(two: Processes) -> None:
    relay = MemoryRelay(two.bus)
    hub = make_hub(two.store, two.clock, relay)

    async def live() -> None:
        async with hub:
            sink = RecordingSink()
            sink.close = lambda farewell=b"": None  # type: ignore[method-assign] # its last bytes never leave
            await hub.subscribe(StreamRequest(tenant="t1", audiences=PUBLIC), sink)

    living = asyncio.create_task(live())
    await settle()
    assert relay.healthy
    living.cancel()
    await asyncio.wait([living])
    assert not relay.healthy
