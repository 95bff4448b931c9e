"""The hub as its callers see it: streams of frames, in a time that stands still."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import pytest

from pulsestage.realtime import (
    Event,
    EventStore,
    Filter,
    Hub,
    HubClosed,
    LogBounds,
    MemoryEventStore,
    Position,
    StreamRequest,
    Subscription,
)
from tests.realtime.support import MODERATORS, PUBLIC, START, ManualClock, RecordingSink, event, make_hub, settle

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


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
async def house(settings: dict[str, Any]) -> AsyncIterator[House]:
    store, clock = WatchedStore(), ManualClock()
    for tenant in ("t1", "t2"):
        store.memory.create(tenant)
    store.memory._logs["t1"].epoch = "e1"
    async with make_hub(store, clock, **settings) as hub:
        yield House(store, clock, hub)
        store.open.set()


# ---- Joining -----------------------------------------------------------------------------------


async def test_the_first_frame_greets(house: House) -> None:
    house.log(3)
    sink = await house.join(greeting={"tenantSlug": "acme"})
    (frame,) = sink.frames
    assert frame.id == "e1.3"
    assert frame.retry is not None
    assert 1000 <= frame.retry <= 4000
    assert frame.message == {"type": "connected", "tenantId": "t1", "tenantSlug": "acme", "timestamp": START}
    assert list(frame.message) == ["type", "tenantId", "tenantSlug", "timestamp"]


async def test_resuming_sends_what_was_missed(house: House) -> None:
    house.log(5)
    sink = await house.join(last_event_id="e1.2")
    assert sink.ids == ["e1.2", "e1.3", "e1.4", "e1.5"]
    house.say()
    assert sink.ids[-1] == "e1.6"


async def test_resuming_with_a_snapshot_asked_for_needs_none(house: House) -> None:
    house.log(2)
    sink = await house.join(last_event_id="e1.1", snapshot=house.snapshot())
    assert sink.types == ["connected", "thing:changed"]


@pytest.mark.parametrize("last_event_id", [None, "e1.0"])
async def test_a_snapshot_comes_first_and_the_stream_goes_on_from_it(house: House, last_event_id: str | None) -> None:
    house.log(2)
    sink = await house.join(last_event_id=last_event_id, snapshot=house.snapshot())
    house.say()
    assert sink.types == ["connected", "snapshot", "thing:changed"]
    assert sink.ids == ["e1.0", "e1.2", "e1.3"]
    assert sink.frames[1].data == {"all": True}


@pytest.mark.parametrize(
    "last_event_id,state,reason",
    [
        ("nonsense", "e1.0", "unknown-position"),
        ("e9.2", "e9.2", "unknown-position"),
        ("e1.9", "e1.9", "unknown-position"),
        ("e1.1", "e1.1", "expired-position"),
    ],
)
async def test_a_position_that_is_no_use(house: House, last_event_id: str, state: str, reason: str) -> None:
    house.log(4)
    house.store.memory.prune("t1", 2)
    without = await house.join(last_event_id=last_event_id)
    with_snapshot = await house.join(last_event_id=last_event_id, snapshot=house.snapshot())
    house.say()
    assert without.types == ["connected", "reset", "thing:changed"]
    assert without.ids == [state, None, "e1.5"]
    assert without.frames[1].data == {"reason": reason}
    assert with_snapshot.types == ["connected", "reset", "snapshot", "thing:changed"]
    assert with_snapshot.ids == ["e1.0", None, "e1.4", "e1.5"]
    assert house.hub.stats().resets == {reason: 2}


async def test_a_position_of_another_process_ahead_of_us(house: House) -> None:
    await house.join()
    house.log(3)  # committed elsewhere; not announced yet
    sink = await house.join(last_event_id="e1.3")
    assert sink.ids == ["e1.3"]
    await house.clock.advance(0.2)  # the gap is read
    house.say()
    assert sink.ids == ["e1.3", "e1.4"]


async def test_a_position_of_an_epoch_that_is_news_to_us(house: House) -> None:
    old = await house.join()
    house.store.memory.create("t1")
    house.log(2)
    sink = await house.join(last_event_id="e3.1")
    assert sink.ids == ["e3.1", "e3.2"]
    assert old.types == ["connected", "reset"]


async def test_events_during_the_join_are_neither_lost_nor_doubled(house: House) -> None:
    house.log(2)
    house.store.open.clear()
    sink = await house.join(last_event_id="e1.1")
    house.say(2)  # the bounds on their way say 2
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.1", "e1.2", "e1.3", "e1.4"]


async def test_events_during_the_first_look_are_known_after_it(house: House) -> None:
    house.log(2)
    house.store.open.clear()
    sink = await house.join()
    house.hub.append("t1", "e0", [event(3)])  # of another log: not for this one
    house.say(2)
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.4"]


async def test_events_during_the_snapshot_follow_it(house: House) -> None:
    house.log(2)
    gate = asyncio.Event()

    async def make() -> tuple[Position, bytes]:
        await gate.wait()
        return Position("e1", 3), b"{}"

    sink = await house.join(snapshot=make)
    house.say(2)
    gate.set()
    await settle()
    assert sink.ids == ["e1.0", "e1.3", "e1.4"]


async def test_a_snapshot_newer_than_what_was_announced(house: House) -> None:
    await house.join()
    events = house.log(3)
    sink = await house.join(snapshot=house.snapshot())
    assert sink.ids == ["e1.0", "e1.3"]
    house.hub.append("t1", "e1", events)
    house.say()
    await house.clock.advance(1)
    assert sink.ids == ["e1.0", "e1.3", "e1.4"]


async def test_a_snapshot_of_a_new_epoch(house: House) -> None:
    await house.join()
    house.store.memory.create("t1")
    sink = await house.join(snapshot=house.snapshot())
    assert sink.types == ["connected", "reset", "snapshot"]
    assert sink.ids == ["e1.0", None, "e3.0"]


async def test_snapshots_of_an_epoch_that_never_was_end_the_stream(house: House) -> None:
    async def make() -> tuple[Position, bytes]:
        return Position("never", 3), b"{}"

    sink = await house.join(snapshot=make)
    assert sink.types == ["connected", "goodbye"]


# ---- Catching up -------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"page_size": 3}])
async def test_the_log_is_read_in_pages(house: House) -> None:
    house.log(8)
    await house.join()
    house.store.asked.clear()
    sink = await house.join(last_event_id="e1.0")
    assert sink.ids == ["e1.0"] + [f"e1.{seq}" for seq in range(1, 9)]
    assert [ask for ask in house.store.asked if ask.startswith("read")] == ["read 0", "read 3", "read 6"]
    assert house.hub.stats().catch_ups == 1


async def test_who_reads_the_log_reads_it_for_all(house: House) -> None:
    """After a restart the window is empty and everybody comes back at once."""
    house.log(5)
    house.store.open.clear()
    sinks = [await house.join(last_event_id=f"e1.{seq}", encoding="gzip") for seq in (3, 2, 3, 3, 2, 4, 3) * 5]
    house.store.open.set()
    await settle()
    reads = [ask for ask in house.store.asked if ask.startswith("read")]
    assert len(reads) <= house.hub._engine.settings.catch_up_concurrency
    assert all(sink.ids[-1] == "e1.5" for sink in sinks)
    assert sinks[0].payloads[-1] is sinks[-1].payloads[-1]


@pytest.mark.parametrize("settings", [{"page_size": 2, "window_events": 2}])
async def test_live_moves_on_while_a_stream_catches_up(house: House) -> None:
    house.log(4)
    live = await house.join()
    house.store.open.clear()
    sink = await house.join(last_event_id="e1.0")
    house.say(7)  # the window moves away from under the reader
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.0"] + [f"e1.{seq}" for seq in range(1, 12)]
    house.say()
    await house.clock.advance(1)
    assert sink.ids[-1] == live.ids[-1] == "e1.12"


@pytest.mark.parametrize("settings", [{"catch_up_concurrency": 2}])
async def test_few_pages_are_in_memory_at_once(house: House) -> None:
    house.log(3)
    await house.join()
    house.store.asked.clear()
    house.store.open.clear()
    sinks = [await house.join(last_event_id="e1.0") for _ in range(5)]
    assert house.store.asked == ["read 0", "read 0"]
    house.store.open.set()
    await settle()
    assert all(len(sink.ids) == 4 for sink in sinks)


async def test_a_page_of_another_epoch_is_not_taken_for_this_one(house: House) -> None:
    house.log(3)
    await house.join()
    house.store.memory.create("t1")
    house.log(9)  # nobody knows yet
    sink = await house.join(last_event_id="e1.1", snapshot=house.snapshot())
    assert sink.types == ["connected", "reset", "snapshot"]
    assert sink.ids == ["e1.1", None, "e3.9"]
    house.hub.append("t1", "e1", [event(6)])  # late news; the gap is not filled from the new log
    await house.clock.advance(1)
    assert sink.ids == ["e1.1", None, "e3.9"]


async def test_a_gap_is_not_filled_from_another_epoch(house: House) -> None:
    sink = await house.join()
    house.hub.append("t1", "e1", house.log(2)[1:])
    house.store.memory.create("t1")
    house.log(9)
    await house.clock.advance(0.2)
    assert sink.types == ["connected", "reset"]


async def test_pruned_while_catching_up(house: House) -> None:
    house.log(3)
    await house.join()
    house.store.memory.prune("t1", 2)
    sink = await house.join(last_event_id="e1.0", snapshot=None)
    assert sink.types == ["connected", "reset"]
    house.say()
    assert sink.ids[-1] == "e1.4"


@pytest.mark.parametrize("settings", [{"batch_bytes": 250}])
async def test_a_page_is_written_in_bounded_payloads(house: House) -> None:
    house.log(6)
    await house.join()
    sink = RecordingSink(room=2)  # connected, and one payload of the page
    await house.join(sink, last_event_id="e1.0")
    assert sink.ids == ["e1.0", "e1.1", "e1.2"]
    sink.drain()
    await settle()
    assert sink.ids == ["e1.0"] + [f"e1.{seq}" for seq in range(1, 7)]
    assert max(map(len, sink.payloads)) <= 250


@pytest.mark.parametrize("settings", [{"snapshot_concurrency": 2}])
async def test_few_snapshots_are_made_at_once(house: House) -> None:
    calls: list[str] = []
    gate = asyncio.Event()

    async def make() -> tuple[Position, bytes]:
        calls.append("snapshot")
        await gate.wait()
        return Position("e1", 0), b"{}"

    sinks = [await house.join(snapshot=make) for _ in range(5)]
    assert len(calls) == 2
    gate.set()
    await settle()
    assert all(sink.types == ["connected", "snapshot"] for sink in sinks)


# ---- Events ------------------------------------------------------------------------------------


async def test_at_rest_an_event_is_written_inside_append(house: House) -> None:
    sink = await house.join()
    house.say()
    assert sink.ids == ["e1.0", "e1.1"]


async def test_when_busy_events_are_gathered_and_conflated(house: House) -> None:
    sink = await house.join()
    house.say()
    await house.clock.advance(0.001)
    house.say(3, key="votes")
    house.say()
    assert len(sink.payloads) == 2
    await house.clock.advance(0.014)
    assert len(sink.payloads) == 3
    assert sink.ids == ["e1.0", "e1.1", "e1.4", "e1.5"]
    assert house.hub.stats().conflated == 2
    await house.clock.advance(0.016)
    house.say()
    assert sink.ids[-1] == "e1.6"


async def test_one_payload_is_shared_by_all_who_see_the_same(house: House) -> None:
    sinks = [await house.join() for _ in range(3)]
    house.say()
    assert sinks[0].payloads[-1] is sinks[1].payloads[-1] is sinks[2].payloads[-1]


async def test_each_sees_what_is_for_him(house: House) -> None:
    public = await house.join()
    moderator = await house.join(audiences=MODERATORS)
    nobody = await house.join(audiences=())
    team = await house.join(filter=Filter(topic="x"))
    house.say(variants={"public": b"1", "moderators": b"2"}, topic="x")
    house.say(variants={"moderators": b"3"}, topic="x")
    house.say(variants={"public": b"4"}, topic="y")
    house.say(tenant="t2", variants={"public": b"5"})
    await house.clock.advance(1)
    assert [frame.data for frame in public.frames[1:]] == [1, 4]
    assert [frame.data for frame in moderator.frames[1:]] == [2, 3, 4]
    assert nobody.types == ["connected"]
    assert [frame.data for frame in team.frames[1:]] == [1]


async def test_gzip(house: House) -> None:
    house.log(2)
    early = await house.join(encoding="gzip", last_event_id="e1.0", snapshot=None)
    late = await house.join(encoding="gzip")
    house.say()
    assert early.ids == ["e1.0", "e1.1", "e1.2", "e1.3"]
    assert late.ids == ["e1.2", "e1.3"]
    assert early.payloads[-1] is late.payloads[-1]


async def test_duplicates_are_dropped_and_disorder_is_put_in_order(house: House) -> None:
    sink = await house.join()
    one, two, three = house.log(3)
    for batch in ([two], [three, two], [one], [one, two, three]):
        house.hub.append("t1", "e1", batch)
    assert sink.ids == ["e1.0", "e1.1", "e1.2", "e1.3"]
    assert "read" not in " ".join(house.store.asked)


async def test_a_gap_is_read_from_the_log_after_a_moment(house: House) -> None:
    sink = await house.join()
    house.hub.append("t1", "e1", house.log(3)[2:])
    await house.clock.advance(0.09)
    assert sink.ids == ["e1.0"]
    await house.clock.advance(0.02)
    assert sink.ids == ["e1.0", "e1.1", "e1.2", "e1.3"]
    assert house.hub.stats().gap_repairs == 1


async def test_one_repair_at_a_time(house: House) -> None:
    sink = await house.join()
    events = house.log(5)
    house.store.open.clear()
    for late in (4, 2, 3, 1):
        house.hub.append("t1", "e1", events[late : late + 1])
        await house.clock.advance(0.08)
    house.store.open.set()
    await house.clock.advance(1)
    assert sink.ids == ["e1.0", "e1.1", "e1.2", "e1.3", "e1.4", "e1.5"]
    assert [ask for ask in house.store.asked if ask.startswith("read")] == ["read 0"]


@pytest.mark.parametrize("settings", [{"window_events": 2}])
async def test_what_the_window_has_no_room_for_is_not_gathered(house: House) -> None:
    sink = await house.join()
    house.say()
    house.say(5)
    assert sink.ids[-1] == "e1.6"
    assert house.hub.stats().window_events == 2


async def test_an_announcement_of_what_the_log_does_not_have(house: House) -> None:
    sink = await house.join()
    house.hub.append("t1", "e1", [event(5)])
    await house.clock.advance(60)
    assert house.hub.stats().gap_repairs == 1
    house.say()
    assert sink.ids[-1] == "e1.1"


@pytest.mark.parametrize("settings", [{"parked_events": 2, "page_size": 2}])
async def test_more_early_events_than_there_is_room_for(house: House) -> None:
    sink = await house.join()
    events = house.log(9)
    house.hub.append("t1", "e1", events[1:])
    house.hub.append("t1", "e1", events[:1])
    await house.clock.advance(1)
    assert sink.ids == ["e1.0"] + [f"e1.{seq}" for seq in range(1, 10)]


async def test_a_gap_that_was_pruned(house: House) -> None:
    sink = await house.join(snapshot=house.snapshot())
    house.hub.append("t1", "e1", house.log(6)[5:])
    house.store.memory.prune("t1", 4)
    await house.clock.advance(1)
    assert sink.types == ["connected", "snapshot", "reset", "snapshot"]
    assert sink.frames[2].data == {"reason": "expired-position"}
    assert sink.ids[-1] == "e1.6"
    house.say()
    assert sink.ids[-1] == "e1.7"


async def test_without_streams_nothing_is_kept(house: House) -> None:
    house.say()
    sink = await house.join()
    house.say()
    assert house.hub.stats().window_events == 1
    sink.vanish()
    await settle()
    house.say()
    assert house.hub.stats().connections == {}
    assert house.hub.stats().window_events == 0
    assert (await house.join()).ids == ["e1.3"]


async def test_a_new_epoch_resets_every_stream(house: House) -> None:
    plain = await house.join()
    with_snapshot = await house.join(snapshot=house.snapshot())
    house.say(2)
    house.store.memory.create("t1")
    house.epoch = "e3"
    house.say(2)
    await settle()
    assert plain.types == ["connected", "thing:changed", "thing:changed", "reset"]
    assert with_snapshot.types[-2:] == ["reset", "snapshot"]
    assert with_snapshot.ids[-1] == "e3.2"
    house.say()
    await house.clock.advance(1)
    assert plain.ids[-1] == with_snapshot.ids[-1] == "e3.3"
    assert house.hub.stats().resets == {"unknown-position": 2}


async def test_late_news_of_an_old_epoch_change_nothing(house: House) -> None:
    sink = await house.join()
    house.hub.append("t1", "e0", [event(1), event(2)])
    await settle()
    house.say()
    assert sink.ids == ["e1.0", "e1.1"]


# ---- Slow readers ------------------------------------------------------------------------------


async def test_a_slow_reader_goes_on_where_it_was(house: House) -> None:
    slow, quick = await house.join(), await house.join()
    slow.stop()
    house.say(2)
    await house.clock.advance(1)
    house.say(2)
    assert slow.ids == ["e1.0", "e1.1", "e1.2"]
    assert quick.ids[-1] == "e1.4"
    assert house.hub.stats().slow == 1
    slow.drain()
    assert slow.ids == quick.ids
    assert house.hub.stats().slow == 0
    await house.clock.advance(1)
    house.say()
    assert slow.ids[-1] == "e1.5"


@pytest.mark.parametrize("settings", [{"window_events": 2}])
async def test_a_slow_reader_that_fell_out_of_the_window(house: House) -> None:
    slow = await house.join()
    slow.stop()
    for _ in range(6):
        house.say()
        await house.clock.advance(1)
    slow.drain()
    await settle()
    assert slow.ids == ["e1.0"] + [f"e1.{seq}" for seq in range(1, 7)]


async def test_a_reader_that_takes_one_payload_at_a_time(house: House) -> None:
    sink = RecordingSink(room=1)
    await house.join(sink, last_event_id="nonsense", snapshot=house.snapshot())
    for _ in range(6):
        house.say()
        await house.clock.advance(1)
        sink.drain(room=1)
        await settle()
    assert sink.types == ["connected", "reset", "snapshot", *["thing:changed"] * 5]


@pytest.mark.parametrize("settings", [{"batch_bytes": 300}])
async def test_a_slow_reader_is_given_bounded_payloads(house: House) -> None:
    sink, other = await house.join(), await house.join()
    sink.stop()
    for _ in range(10):
        house.say()
        await house.clock.advance(1)
    sink.drain()
    assert sink.ids == other.ids
    assert max(map(len, sink.payloads)) <= 300


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


async def test_a_broken_sink_costs_nobody_else_anything(house: House) -> None:
    class Broken(RecordingSink):
        def write(self, payload: bytes) -> bool:
            if b"thing" in payload:
                raise RuntimeError("broken")
            return True

    sinks = [await house.join(), await house.join(Broken()), await house.join()]
    house.say()
    assert sinks[1].closed
    assert sinks[0].ids == sinks[2].ids == ["e1.0", "e1.1"]
    assert house.hub.stats().closes == {"server-error": 1}


async def test_a_reset_waits_for_a_slow_reader(house: House) -> None:
    sink = await house.join()
    sink.stop()
    house.say()
    house.store.memory.create("t1")
    house.epoch = "e3"
    house.say()
    await settle()
    assert sink.types == ["connected", "thing:changed"]
    sink.drain()
    assert sink.types == ["connected", "thing:changed", "reset"]


# ---- Rhythms -----------------------------------------------------------------------------------


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


# ---- Errors ------------------------------------------------------------------------------------


async def test_no_bounds_no_stream(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.store.broken = True
    sink = await house.join()
    assert sink.types == ["goodbye"]
    assert sink.frames[0].data == {"reason": "server-error"}
    assert sink.closed
    assert caplog.records[0].levelno == logging.ERROR
    house.store.broken = False
    assert (await house.join()).types == ["connected"]
    assert house.hub.stats().connections == {"t1": 1}


async def test_an_unknown_tenant_is_an_error(house: House) -> None:
    assert (await house.join(tenant="nobody")).types == ["goodbye"]
    assert house.hub.stats().connections == {}


async def test_a_catch_up_that_fails_ends_only_its_stream(house: House) -> None:
    house.log(2)
    live = await house.join()
    house.store.broken = True
    sink = await house.join(last_event_id="e1.0", encoding="gzip")
    assert sink.types == ["connected", "goodbye"]
    house.say()
    assert live.ids[-1] == "e1.3"


async def test_a_snapshot_that_fails_ends_only_its_stream(house: House) -> None:
    async def make() -> tuple[Position, bytes]:
        raise ValueError("no")

    live = await house.join()
    sink = await house.join(snapshot=make)
    assert sink.types == ["connected", "goodbye"]
    house.say()
    assert live.ids[-1] == "e1.1"


async def test_a_repair_that_fails_is_done_later(house: House) -> None:
    sink = await house.join()
    house.store.broken = True
    house.hub.append("t1", "e1", house.log(2)[1:])
    await house.clock.advance(1)
    house.store.broken = False
    await house.clock.advance(6)
    assert sink.ids[-1] == "e1.2"


# ---- Ending ------------------------------------------------------------------------------------


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


async def test_close_waits_for_last_bytes_but_not_for_ever(house: House) -> None:
    stuck = await house.join()
    stuck.ends_itself = False
    closing = asyncio.ensure_future(house.hub.close("deploy"))
    await settle()
    assert not closing.done()
    await house.clock.advance(1)
    await closing
    assert stuck.aborted


async def test_a_stream_can_be_closed_alone(house: House) -> None:
    sink, subscription = await house.subscribe()
    other = await house.join()
    subscription.close("signed-out")
    subscription.close("twice")
    assert subscription.closed
    assert sink.types == ["connected", "goodbye"]
    house.say()
    assert other.types == ["connected", "thing:changed"]
    assert house.hub.stats().closes == {"signed-out": 1}


async def test_a_closed_stream_that_lingers_is_ended(house: House) -> None:
    sink, subscription = await house.subscribe()
    sink.ends_itself = False
    subscription.close("signed-out")
    await house.clock.advance(3)
    assert sink.aborted


async def test_leaving_at_any_moment(house: House) -> None:
    house.log(3)
    house.store.open.clear()
    first = await house.join()  # waits for the bounds
    first.vanish()
    await settle()
    assert house.hub.stats().connections == {}
    house.store.open.set()
    await house.join()
    house.store.open.clear()
    second = await house.join(last_event_id="e1.0")  # waits for a page
    second.vanish()
    await settle()
    house.store.open.set()
    await settle()
    assert second.types == ["connected"]
    assert house.hub.stats().connections == {"t1": 1}
    assert house.hub.stats().closes == {"client-gone": 2}


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


async def test_stats_add_up(house: House) -> None:
    house.log(1)
    sinks = [await house.join(), await house.join()]
    other = await house.join(tenant="t2")
    house.say(3)
    stats = house.hub.stats()
    assert stats.connections == {"t1": 2, "t2": 1}
    assert house.hub.connections("t1") == 2
    assert house.hub.connections("nobody") == 0
    assert stats.events_in == stats.window_events == 3
    assert stats.window_bytes > 0
    everything = [*sinks, other]
    assert stats.writes == sum(len(sink.payloads) for sink in everything)
    assert stats.bytes_out == sum(len(payload) for sink in everything for payload in sink.payloads)
    assert stats.frames_out == sum(len(sink.frames) for sink in everything)
