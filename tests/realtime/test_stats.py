"""What is counted."""

import pytest

from pulsestage.realtime import Histogram
from tests.realtime.house import House
from tests.realtime.support import settle


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
    assert stats.joins == 3
    assert sum(stats.latency.counts) == 2  # a payload of three events, to two live streams


async def test_compression_is_told_as_what_it_saved(house: House) -> None:
    plain, small, also_small = [await house.join(encoding=name) for name in ("identity", "gzip", "gzip")]
    house.say(20)
    saved = len(plain.payloads[-1]) - len(small.payloads[-1])
    assert saved > 0
    assert house.hub.stats().saved == 2 * saved
    assert also_small.ids == plain.ids


async def test_latency_is_from_the_hubs_first_knowledge_to_the_write(house: House) -> None:
    await house.join()
    house.say()
    await house.clock.advance(0.005)
    house.say()
    await house.clock.advance(0.005)
    house.say()
    await house.clock.advance(1)
    latency = house.hub.stats().latency
    assert sum(latency.counts) == 2
    assert latency.total == pytest.approx(0.010)  # the second waited from 5 to 15 ms, and the third with it


async def test_heartbeats_tell_how_late_the_loop_is(house: House) -> None:
    await house.clock.advance(1)
    assert house.hub.stats().heartbeat_lag == 0
    house.hub._turn(due=house.clock.time() - 2)  # as a loop that was kept busy would call it
    assert house.hub.stats().heartbeat_lag == pytest.approx(2)


async def test_streams_are_counted_by_holder(house: House) -> None:
    one = await house.join(holders=("hall", "ada"))
    other = await house.join(tenant="t2", holders=("hall",))
    assert (house.hub.held_by("hall"), house.hub.held_by("ada"), house.hub.held_by("nobody")) == (2, 1, 0)
    one.vanish()
    await settle()
    assert (house.hub.held_by("hall"), house.hub.held_by("ada")) == (1, 0)
    await house.hub.close("shutdown")
    assert house.hub.held_by("hall") == 0
    assert other.closed
    assert not house.hub._engine.holders, "nothing is remembered of who has left"


def test_a_copy_of_a_histogram_stays_as_it_was() -> None:
    histogram = Histogram((1.0,))
    copied = histogram.copy()
    histogram.observe(2)
    assert (copied.counts, copied.total) == ([0, 0], 0.0)
