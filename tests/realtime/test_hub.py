"""Rhythms, safety and the end of it all."""

import asyncio

import pytest

from pulsestage.realtime import (
    EventStore,
    HubClosed,
    MemoryBus,
    MemoryEventStore,
    MemoryRelay,
    Position,
    StreamRequest,
)
from tests.realtime.cable import cable
from tests.realtime.house import House, WatchedStore
from tests.realtime.support import PUBLIC, START, ManualClock, RecordingSink, event, make_hub, settle


async def test_who_takes_nothing_is_let_go_and_nobody_else_notices(house: House) -> None:
    stuck, quick = await house.join(), await house.join()
    stuck.stop()
    house.say()
    await house.clock.advance(29)
    assert not stuck.aborted
    await house.clock.advance(2.5)
    assert stuck.aborted
    assert not quick.closed
    stats = house.hub.stats()
    assert (stats.stalls, stats.closes, stats.connections, stats.slow) == (1, {"stalled": 1}, {"t1": 1}, 0)


async def test_who_takes_a_large_snapshot_slowly_is_not_let_go(house: House) -> None:
    async def snapshot() -> tuple[Position, bytes]:
        return Position("e1", 0), b'"%s"' % (b"x" * 4_000_000)

    async with cable() as connection:
        await house.hub.subscribe(StreamRequest(tenant="t1", audiences=PUBLIC, snapshot=snapshot), connection.sink)
        for _ in range(10):
            await connection.takes_a_little()
            await house.clock.advance(32)
            assert (house.hub.stats().closes, house.hub.stats().slow) == ({}, 1)
        await connection.comes_to_rest()
        await house.clock.advance(32)  # something was taken since it was last looked at, and now no more is
        await house.clock.advance(32)
        assert house.hub.stats().closes == {"stalled": 1}


async def test_heartbeats_are_spread_and_have_no_id(house: House) -> None:
    sinks = [await house.join() for _ in range(60)]
    for second in range(1, 31):
        await house.clock.advance(1)
        assert sum(len(sink.heartbeats) for sink in sinks) == 2 * second
    (beat,) = sinks[0].heartbeats
    assert beat.id is None
    assert beat.message == {
        "type": "heartbeat",
        "tenantId": "t1",
        "data": {"timestamp": beat.message["timestamp"]},
        "timestamp": START + 1000,
    }
    assert house.hub.stats().heartbeats == 60
    await house.clock.advance(30)
    assert house.hub.stats().heartbeats == 120


async def test_a_slow_or_unconnected_stream_has_no_heartbeat(house: House) -> None:
    slow = await house.join()
    slow.stop()
    house.say()
    house.store.open.clear()
    waiting = await house.join(last_event_id="e9.9")
    await house.clock.advance(29)
    assert not slow.heartbeats
    assert not waiting.payloads


async def test_the_safety_tick_finds_what_was_never_announced(house: House) -> None:
    sink = await house.join()
    other = await house.join(tenant="t2")
    house.log(2)
    house.log(1, tenant="t2")
    house.store.asked.clear()
    await house.clock.advance(5)
    assert house.store.asked == ["bounds"]  # one for both
    await house.clock.advance(0.1)
    assert sink.ids[-1] == "e1.2"
    assert other.ids[-1] == "e2.1"


async def test_the_safety_tick_finds_a_new_epoch(house: House) -> None:
    sink = await house.join()
    house.store.memory.create("t1")
    await house.clock.advance(5)
    assert sink.types == ["connected", "reset"]


async def test_the_safety_tick_ends_the_streams_of_a_tenant_that_was_deleted(house: House) -> None:
    sink, other = await house.join(), await house.join(tenant="t2")
    house.store.memory.delete("t1")
    await house.clock.advance(5)
    assert sink.types == ["connected", "goodbye"]
    assert sink.frames[-1].data == {"reason": "gone"}
    assert other.types == ["connected"]
    assert house.hub.total_connections == 1


async def test_a_tenant_that_is_new_while_the_heads_are_read_keeps_its_streams(house: House) -> None:
    await house.join()
    house.store.open.clear()
    await house.clock.advance(5)
    house.store.memory.create("t3")
    sink = await house.join(tenant="t3")
    house.store.open.set()
    await house.clock.advance(1)
    assert sink.types == ["connected"]


async def test_the_safety_tick_finds_nothing_to_do(house: House) -> None:
    await house.clock.advance(20)
    assert house.store.asked == []  # no streams, no questions
    await house.join()
    house.say()
    house.store.asked.clear()
    await house.clock.advance(5)
    assert house.store.asked == ["bounds"]


async def test_a_broken_store_is_survived_and_logged_once_per_spell(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    sink = await house.join()
    for _ in range(2):
        house.store.broken = True
        await house.clock.advance(20)
        house.store.broken = False
        await house.clock.advance(6)
    assert len(caplog.records) == 2
    house.say()
    assert sink.ids[-1] == "e1.1"


async def test_a_check_that_takes_long_is_not_doubled(house: House) -> None:
    await house.join()
    house.store.asked.clear()
    house.store.open.clear()
    await house.clock.advance(20)
    assert house.store.asked == ["bounds"]


async def test_goodbye_to_all(house: House) -> None:
    sinks = [await house.join(encoding=encoding) for encoding in ("identity", "gzip")]
    slow = await house.join()
    slow.stop()
    house.say()
    await house.hub.close("deploy")
    for sink in (*sinks, slow):
        assert sink.types == ["connected", "thing:changed", "goodbye"]
        assert sink.frames[-1].data == {"reason": "deploy"}
        assert sink.frames[-1].id is None
        assert 1000 <= (sink.frames[-1].retry or 0) <= 4000
        assert sink.closed
    assert len({sink.frames[-1].retry for sink in sinks}) == 2
    assert house.hub.stats().closes == {"deploy": 3}
    with pytest.raises(HubClosed):
        await house.join()
    await house.hub.close("again")
    house.say()


@pytest.mark.parametrize("settings", [{"slice_writes": 2, "farewell_seconds": 0.6}])
async def test_goodbyes_are_spread(house: House) -> None:
    sinks = [await house.join() for _ in range(5)]
    closing = asyncio.ensure_future(house.hub.close("deploy"))
    said = []
    for _ in range(3):
        await settle()
        said.append(sum(sink.closed for sink in sinks))
        await house.clock.advance(0.2)
    assert said == [2, 4, 5]
    await closing


async def test_close_waits_for_last_bytes_but_not_for_ever(house: House) -> None:
    stuck = await house.join()
    stuck.ends_itself = False
    closing = asyncio.ensure_future(house.hub.close("deploy"))
    await settle()
    assert not closing.done()
    await house.clock.advance(1)
    await closing
    assert stuck.aborted


async def test_a_closed_stream_that_lingers_is_ended(house: House) -> None:
    sink, subscription = await house.subscribe()
    sink.ends_itself = False
    subscription.close("signed-out")
    await house.clock.advance(3)
    assert sink.aborted


async def test_a_hub_must_be_open(house: House) -> None:
    hub = make_hub(house.store, house.clock)
    with pytest.raises(HubClosed):
        await hub.subscribe(StreamRequest(tenant="t1", audiences=PUBLIC), RecordingSink())
    hub.append("t1", "e1", [event(1)])


async def test_leaving_the_block_says_goodbye() -> None:
    store: EventStore
    store = memory = MemoryEventStore()
    memory.create("t1")
    sink = RecordingSink()
    async with make_hub(store, ManualClock()) as hub:
        await hub.subscribe(StreamRequest(tenant="t1", audiences=PUBLIC), sink)
        await settle()
    assert sink.types == ["connected", "goodbye"]
    assert sink.frames[-1].data == {"reason": "shutdown"}


async def test_heartbeats_that_come_in_time_have_no_lag(house: House) -> None:
    await house.clock.advance(60)
    assert house.hub.stats().heartbeat_lag == pytest.approx(0)


async def test_while_the_relay_is_out_the_log_is_looked_at_often_and_once_more_after_it() -> None:
    store, clock, bus = WatchedStore(), ManualClock(), MemoryBus()
    store.memory.create("t1")
    relay = MemoryRelay(bus)
    async with make_hub(store, clock, relay=relay, safety_seconds=100.0, unheard_safety_seconds=1.0) as hub:
        await hub.subscribe(StreamRequest(tenant="t1", audiences=PUBLIC), RecordingSink())
        for _ in range(2):  # the second outage is noticed like the first
            await clock.advance(1)
            store.asked.clear()
            bus.stop()
            await clock.advance(2)
            assert store.asked == ["bounds"] * 2
            bus.start()
            await clock.advance(5)
            assert store.asked == ["bounds"] * 3
