"""What is counted."""

from tests.realtime.house import House


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
