"""The way of one stream: joining, catching up, being slow, leaving."""

import asyncio

import pytest

from pulsestage.realtime import HubSettings, Position
from tests.realtime.house import House
from tests.realtime.support import START, RecordingSink, settle


async def test_the_first_frame_greets(house: House) -> None:
    house.log(3)
    sink = await house.join(greeting={"tenantSlug": "acme"})
    (frame,) = sink.frames
    assert frame.id == "e1.3"
    assert frame.retry is not None
    assert 1000 <= frame.retry <= 4000
    assert list(frame.message.items()) == [
        ("type", "connected"),
        ("tenantId", "t1"),
        ("tenantSlug", "acme"),
        ("heartbeatSeconds", HubSettings().heartbeat_seconds),
        ("timestamp", START),
    ]


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


async def test_events_during_the_join_are_neither_lost_nor_doubled(house: House) -> None:
    house.log(2)
    house.store.open.clear()
    sink = await house.join(last_event_id="e1.1")
    house.say(2)  # the bounds on their way say 2
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.1", "e1.2", "e1.3", "e1.4"]


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


@pytest.mark.parametrize("settings", [{"page_size": 3}])
async def test_the_log_is_read_in_pages(house: House) -> None:
    house.log(8)
    await house.join()
    house.store.asked.clear()
    sink = await house.join(last_event_id="e1.0")
    assert sink.ids == ["e1.0"] + [f"e1.{seq}" for seq in range(1, 9)]
    assert [ask for ask in house.store.asked if ask.startswith("read")] == ["read 0", "read 3", "read 6"]
    assert house.hub.stats().catch_ups == 1


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


@pytest.mark.parametrize("settings", [{"snapshot_bytes": 300}])
async def test_slow_readers_hold_only_so_many_snapshots(house: House) -> None:
    async def make() -> tuple[Position, bytes]:
        return Position("e1", 0), b'"' + b"x" * 150 + b'"'

    sinks = [RecordingSink(room=2) for _ in range(4)]
    for sink in sinks:
        await house.join(sink, snapshot=make)
    assert [sink.types[1:] for sink in sinks] == [["snapshot"], [], [], []]  # the first is full and holds its bytes
    sinks[0].drain()
    await settle()
    assert [sink.types[1:] for sink in sinks] == [["snapshot"], ["snapshot"], [], []]
    sinks[2].vanish()  # while it waits
    sinks[1].vanish()  # while it holds
    await settle()
    assert sinks[3].types == ["connected", "snapshot"]


@pytest.mark.parametrize("settings", [{"snapshot_bytes": 300}])
async def test_what_a_snapshot_has_borrowed_is_given_back_once(house: House) -> None:
    async def make() -> tuple[Position, bytes]:
        return Position("e1", 0), b'"' + b"x" * 150 + b'"'

    first = RecordingSink(room=2)
    await house.join(first, snapshot=make)
    for _ in range(3):  # each time the sink drains, something could be given back again
        first.drain(room=1)
        house.say()
        await house.clock.advance(1)
    sinks = [RecordingSink(room=2) for _ in range(2)]
    for sink in sinks:
        await house.join(sink, snapshot=make)
    assert [len(sink.payloads) for sink in sinks] == [2, 1]


@pytest.mark.parametrize("settings", [{"heartbeat_seconds": 10.0, "heartbeat_slots": 2}])
async def test_no_heartbeat_comes_between_a_stream_and_its_snapshot(house: House) -> None:
    """It could fill the sink that the snapshot is then written to."""
    gate = asyncio.Event()

    async def make() -> tuple[Position, bytes]:
        await gate.wait()
        return Position("e1", 0), b"{}"

    sink = await house.join(snapshot=make)
    sink.stop()
    await house.clock.advance(20)
    assert (sink.types, sink.heartbeats) == (["connected"], [])
    gate.set()
    await settle()
    sink.drain()
    await house.clock.advance(20)
    assert sink.types == ["connected", "snapshot"]
    assert len(sink.heartbeats) == 2


async def test_a_sink_that_drains_before_the_log_is_known_gets_nothing_yet(house: House) -> None:
    house.log(2)
    house.store.open.clear()
    sink = await house.join(last_event_id="e1.1")
    sink.on_drain()
    await settle()
    assert sink.payloads == []
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.1", "e1.2"]


async def test_a_sink_that_can_not_be_written_or_closed_ends_its_stream_alone(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(RecordingSink):
        def write(self, payload: bytes) -> bool:
            raise RuntimeError("can't be written")

        def close(self, farewell: bytes = b"") -> None:
            raise RuntimeError("can't be closed")

    live = await house.join()
    broken = await house.join(Broken())
    assert "could not be closed" in caplog.text
    assert house.hub.stats().closes == {"server-error": 1}
    house.say()
    assert live.ids == ["e1.0", "e1.1"]
    await house.clock.advance(HubSettings().farewell_seconds + 1)
    assert broken.aborted


async def test_a_sink_that_ends_inside_a_write_is_not_waited_for(house: House) -> None:
    """It breaks its contract, and costs nobody anything."""

    class Rude(RecordingSink):
        def write(self, payload: bytes) -> bool:
            self.on_close()
            return False

    await house.join(Rude())
    assert house.hub.stats().slow == 0
    assert house.hub.stats().connections == {}
    assert house.hub.stats().closes == {"client-gone": 1}


async def test_what_comes_after_the_end_changes_nothing(house: House) -> None:
    sink, subscription = await house.subscribe()
    subscription.close("signed-out")
    before = list(sink.payloads)
    sink.on_drain()
    subscription.fill()
    subscription.stall()
    subscription.consulted()
    house.say()
    await settle()
    assert sink.payloads == before
    assert not sink.aborted
    stats = house.hub.stats()
    assert (stats.stalls, stats.slow, stats.closes) == (0, 0, {"signed-out": 1})


async def test_each_reset_is_followed_by_a_new_snapshot(house: House) -> None:
    sink = await house.join(snapshot=house.snapshot())
    for epoch in ("e3", "e4"):
        house.store.memory.create("t1")
        house.epoch = epoch
        house.say()
        await settle()
    assert sink.types == ["connected", "snapshot", *["reset", "snapshot"] * 2]
    assert sink.ids[-1] == "e4.1"
