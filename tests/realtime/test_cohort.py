"""Writing to many at once."""

from collections.abc import Callable

import pytest

from pulsestage.realtime import Filter
from pulsestage.realtime.cohort import Cohort
from pulsestage.realtime.encoding import Coding
from pulsestage.realtime.filter import View
from pulsestage.realtime.stats import Counters
from tests.realtime.house import House
from tests.realtime.support import PUBLIC, RecordingSink, settle


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


class Direct(RecordingSink):
    """A sink with a shorter way, which takes only so many bytes of each payload, or raises."""

    takes: int | OSError = 10
    rest: RuntimeError | None = None

    @property
    def direct(self) -> Callable[[bytes], int]:
        return self._take

    def _take(self, payload: bytes) -> int:
        if isinstance(self.takes, OSError):
            raise self.takes
        self.payloads.append(payload[: self.takes])
        return min(self.takes, len(payload))

    def write(self, payload: bytes | memoryview) -> bool:
        if self.rest is not None:
            raise self.rest
        return super().write(bytes(payload))


@pytest.mark.parametrize("takes", [0, 10, 10_000, BlockingIOError()])
@pytest.mark.parametrize("room", [None, 1])
async def test_what_the_direct_way_leaves_is_written_once(house: House, takes: int | OSError, room: int | None) -> None:
    sink = Direct()
    await house.join(sink)
    sink.takes, sink.room = takes, room
    house.say()
    sink.drain()
    sink.takes = 10_000
    await house.clock.advance(1)
    house.say()
    assert sink.ids == ["e1.0", "e1.1", "e1.2"]


async def test_if_the_rest_can_not_be_written_the_stream_ends_and_only_it(house: House) -> None:
    sinks = [await house.join(), await house.join(broken := Direct()), await house.join()]
    broken.rest = RuntimeError("broken")
    house.say()
    assert broken.closed
    assert sinks[0].ids == sinks[2].ids == ["e1.0", "e1.1"]
    assert house.hub.stats().closes == {"server-error": 1}


def test_where_nothing_is_due_nothing_is_written() -> None:
    counters = Counters()
    assert Cohort(View(PUBLIC, Filter()), Coding("identity")).write(10, counters) == 0
    assert counters.writes == 0


@pytest.mark.parametrize("settings", [{"slice_writes": 2, "farewell_seconds": 0.0}])
class TestSlices:
    """Five streams, written two at a time."""

    @pytest.fixture
    async def sinks(self, house: House) -> list[RecordingSink]:
        return [await house.join() for _ in range(5)]

    async def test_all_are_written_and_each_once(self, house: House, sinks: list[RecordingSink]) -> None:
        before = house.hub.stats()
        house.say()
        assert sorted(len(sink.ids) for sink in sinks) == [1, 1, 1, 2, 2]
        await house.clock.advance(0)
        assert [sink.ids for sink in sinks] == [["e1.0", "e1.1"]] * 5
        after = house.hub.stats()
        assert (after.writes - before.writes, after.frames_out - before.frames_out) == (5, 5)
        assert after.bytes_out - before.bytes_out == 5 * len(sinks[0].payloads[-1])

    async def test_what_is_left_out_is_counted_once_a_stream(self, house: House, sinks: list[RecordingSink]) -> None:
        house.say(variants={"public": b'{"n":1}'})
        for _ in range(3):
            house.say(key="votes", variants={"public": b'{"n":2}'})
        await house.clock.advance(1)
        assert [len(sink.ids) for sink in sinks] == [3] * 5
        assert house.hub.stats().conflated == 2 * 5

    async def test_what_comes_meanwhile_goes_out_with_the_next(self, house: House, sinks: list[RecordingSink]) -> None:
        house.say()
        house.say(2)
        await house.clock.advance(0.014)
        assert [sink.ids[-1] for sink in sinks] == ["e1.1"] * 5
        await house.clock.advance(0.002)
        assert [sink.ids[-1] for sink in sinks] == ["e1.3"] * 5
        assert {len(sink.payloads) for sink in sinks} == {3}

    async def test_who_joins_meanwhile_misses_and_repeats_nothing(
        self, house: House, sinks: list[RecordingSink]
    ) -> None:
        house.say()
        late = await house.join()
        returned = await house.join(last_event_id="e1.0")
        await house.clock.advance(1)
        house.say()
        await house.clock.advance(0)
        assert late.ids == ["e1.1", "e1.2"]
        assert returned.ids == ["e1.0", "e1.1", "e1.2"]
        assert [sink.ids[-1] for sink in sinks] == ["e1.2"] * 5

    async def test_a_sink_that_fills_up_goes_on_behind_what_it_was_given(
        self, house: House, sinks: list[RecordingSink]
    ) -> None:
        for sink in sinks:
            sink.stop()
        house.say()
        await house.clock.advance(1)
        house.say(2)
        await house.clock.advance(1)
        assert [sink.ids[-1] for sink in sinks] == ["e1.1"] * 5
        for sink in sinks:
            sink.drain()
        assert [sink.ids for sink in sinks] == [["e1.0", "e1.1", "e1.2", "e1.3"]] * 5

    async def test_who_is_due_and_filled_by_a_heartbeat_is_given_the_payload_later(
        self, house: House, sinks: list[RecordingSink]
    ) -> None:
        house.say()
        for sink in sinks:
            sink.stop()
        for _ in range(30):
            house.hub._turn(due=0)
        await house.clock.advance(0)
        for sink in sinks:
            assert sink.full
            sink.drain()
        assert [sink.ids for sink in sinks] == [["e1.0", "e1.1"]] * 5

    async def test_who_is_due_and_leaves_is_written_no_more(self, house: House, sinks: list[RecordingSink]) -> None:
        house.say()
        for sink in sinks:
            sink.vanish()
        await settle()
        await house.clock.advance(1)
        assert sorted(len(sink.ids) for sink in sinks) == [1, 1, 1, 2, 2]
        assert house.hub.total_connections == 0

    async def test_who_is_due_when_the_log_is_lost_is_reset(self, house: House, sinks: list[RecordingSink]) -> None:
        house.say()
        house.store.memory.create("t1")
        house.store.memory._logs["t1"].epoch = "e2"
        await house.hub.check()
        await settle()
        await house.clock.advance(1)
        assert sorted(map(tuple, (sink.types for sink in sinks))) == [
            *[("connected", "reset")] * 3,
            *[("connected", "thing:changed", "reset")] * 2,
        ]

    async def test_tenants_take_turns(self, house: House, sinks: list[RecordingSink]) -> None:
        house.store.memory._logs["t2"].epoch = "e1"
        house.say()  # to five: two are written now
        other = await house.join(tenant="t2")
        house.say(tenant="t2")
        assert other.types[-1] == "thing:changed", "a small room does not wait for a large one"
        assert {sink.types[-1] for sink in sinks} == {"connected", "thing:changed"}
