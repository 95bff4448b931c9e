"""How a log is followed: disorder, gaps, new epochs, and a store that fails."""

import logging

import pytest

from pulsestage.realtime import LogBounds
from tests.realtime.house import House
from tests.realtime.support import event, settle


async def test_a_position_of_an_epoch_that_is_news_to_us(house: House) -> None:
    old = await house.join()
    house.store.memory.create("t1")
    house.log(2)
    sink = await house.join(last_event_id="e3.1")
    assert sink.ids == ["e3.1", "e3.2"]
    assert old.types == ["connected", "reset"]


async def test_events_during_the_first_look_are_known_after_it(house: House) -> None:
    house.log(2)
    house.store.open.clear()
    sink = await house.join()
    house.hub.append("t1", "e0", [event(3)])  # of another log: not for this one
    house.say(2)
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.4"]


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
    other = await house.join(tenant="t2")
    house.hub.append("t2", "e2", house.log(6, tenant="t2")[5:])
    house.store.memory.prune("t2", 4)
    house.hub.append("t1", "e1", house.log(6)[5:])
    house.store.memory.prune("t1", 4)
    await house.clock.advance(1)
    assert other.ids == ["e2.0", None, "e2.5", "e2.6"]
    assert sink.types == ["connected", "snapshot", "reset", "snapshot"]
    assert sink.frames[2].data == {"reason": "expired-position"}
    assert sink.ids[-1] == "e1.6"
    house.say()
    assert sink.ids[-1] == "e1.7"


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
    assert not house.hub._channels["t1"]._follower._early, "it would take the room of others"
    house.say()
    assert sink.ids == ["e1.0", "e1.1"]


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


async def test_the_streams_of_a_tenant_that_does_not_exist_end(house: House, caplog: pytest.LogCaptureFixture) -> None:
    sink = await house.join(tenant="nobody")
    assert [(frame.type, frame.data) for frame in sink.frames] == [("goodbye", {"reason": "gone"})]
    assert caplog.text == ""
    assert house.hub.stats().connections == {}


async def test_a_repair_that_fails_is_done_later(house: House) -> None:
    sink = await house.join()
    house.store.broken = True
    house.hub.append("t1", "e1", house.log(2)[1:])
    await house.clock.advance(1)
    house.store.broken = False
    await house.clock.advance(6)
    assert sink.ids[-1] == "e1.2"


async def test_a_tick_while_a_log_is_opened_leaves_that_to_the_opening(house: House) -> None:
    house.log(2)
    house.store.open.clear()
    sink = await house.join(last_event_id="e1.0")
    house.hub._channels["t1"]._follower.check(LogBounds("e1", 0, 1))
    house.store.open.set()
    await settle()
    assert sink.ids == ["e1.0", "e1.1", "e1.2"]


async def test_what_another_process_has_is_read_at_once(house: House) -> None:
    sink = await house.join()
    follower = house.hub._channels["t1"]._follower
    house.hub.append("t1", "e1", house.log(3)[2:])  # a gap that would be read after a moment
    follower.told("e1", 3)
    await settle()
    assert sink.ids == ["e1.0", "e1.1", "e1.2", "e1.3"]
    follower.told("e1", 3)  # nothing new
    await house.clock.advance(1)
    assert house.hub.stats().gap_repairs == 1
    assert [ask for ask in house.store.asked if ask.startswith("read")] == ["read 0"]
    house.log()
    follower.told("e1", 4)  # of which nothing was announced
    await settle()
    assert sink.ids[-1] == "e1.4"


async def test_the_next_gap_has_its_whole_moment(house: House) -> None:
    sink = await house.join()
    house.hub.append("t1", "e1", house.log(2)[1:])
    house.hub._channels["t1"]._follower.told("e1", 2)
    await house.clock.advance(0.06)
    house.hub.append("t1", "e1", house.log(2)[1:])
    await house.clock.advance(0.06)
    assert sink.ids[-1] == "e1.2"
    await house.clock.advance(0.06)
    assert sink.ids[-1] == "e1.4"


async def test_a_gap_that_moves_while_it_is_read_is_read_again(house: House) -> None:
    sink = await house.join()
    house.hub.append("t1", "e1", [event(5)])
    house.store.open.clear()
    await house.clock.advance(0.2)
    house.hub.append("t1", "e1", [event(1)])
    house.store.open.set()
    await house.clock.advance(1)
    assert sink.ids == ["e1.0", "e1.1"]
    assert [ask for ask in house.store.asked if ask.startswith("read")] == ["read 0", "read 1"]
