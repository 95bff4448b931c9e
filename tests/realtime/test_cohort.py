"""Writing to many at once."""

from tests.realtime.house import House
from tests.realtime.support import RecordingSink


async def test_one_payload_is_shared_by_all_who_see_the_same(house: House) -> None:
    sinks = [await house.join() for _ in range(3)]
    house.say()
    assert sinks[0].payloads[-1] is sinks[1].payloads[-1] is sinks[2].payloads[-1]


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
