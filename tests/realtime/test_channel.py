"""When events are written, what is in a payload, and what is kept in memory."""

import pytest

from pulsestage.realtime import Filter
from tests.realtime.house import House
from tests.realtime.support import MODERATORS, settle


async def test_who_reads_the_log_reads_it_for_all(house: House) -> None:
    """After a restart the window is empty and everybody comes back at once."""
    house.log(5)
    house.store.open.clear()
    sinks = [await house.join(last_event_id=f"e1.{seq}", encoding="gzip") for seq in (3, 2, 3, 3, 2, 4, 3) * 5]
    house.store.open.set()
    await settle()
    reads = [ask for ask in house.store.asked if ask.startswith("read")]
    assert len(reads) <= 10  # not 35: those who read at the same time, and who came from further back
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


@pytest.mark.parametrize("settings", [{"window_events": 2}])
async def test_what_the_window_has_no_room_for_is_not_gathered(house: House) -> None:
    sink = await house.join()
    house.say()
    house.say(5)
    assert sink.ids[-1] == "e1.6"
    assert house.hub.stats().window_events == 2


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
