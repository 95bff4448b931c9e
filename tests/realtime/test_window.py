import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime import Event, Filter
from pulsestage.realtime.filter import View
from pulsestage.realtime.window import Batch, Entry, Window, pages
from tests.realtime.support import event, parse

EVERYTHING = View(("public",), Filter())

sizes = st.lists(st.integers(0, 300), max_size=30)
contents = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),  # type
        st.sampled_from([None, "x", "y"]),  # topic
        st.sampled_from([None, "k", "l"]),  # key
        st.sets(st.sampled_from(["public", "moderators"])),  # audiences
    ),
    max_size=20,
)
views = st.builds(
    View,
    st.sampled_from([(), ("public",), ("moderators", "public"), ("moderators",)]),
    st.builds(Filter, st.sampled_from([None, frozenset({"a"})]), st.sampled_from([None, "x"])),
)


def make_window(sizes: list[int], *, after: int = 0, max_events: int = 100, max_bytes: int = 10**6) -> Window:
    window = Window("e1", "t1", after=after, max_events=max_events, max_bytes=max_bytes)
    for seq, size in enumerate(sizes, after + 1):
        window.append(event(seq, b'"%s"' % (b"x" * size)))
    return window


@given(
    sizes=sizes, after=st.integers(0, 50), max_events=st.integers(0, 10), max_bytes=st.integers(0, 2000), sent=st.data()
)
def test_it_holds_the_newest_and_what_is_to_be_sent(
    sizes: list[int], after: int, max_events: int, max_bytes: int, sent: st.DataObject
) -> None:
    window = make_window(sizes, after=after, max_events=max_events, max_bytes=max_bytes)
    upto = sent.draw(st.integers(after, after + len(sizes)))
    window.trim(upto)
    entries = window.between(window.floor, window.head)
    assert window.head == after + len(sizes)
    assert [entry.seq for entry in entries] == list(range(window.floor + 1, window.head + 1))
    assert len(window) == len(entries)
    assert window.size == sum(entry.size for entry in entries)
    assert window.floor <= upto
    assert window.floor == upto or (len(entries) <= max_events and window.size <= max_bytes)
    if window.floor > after:  # nothing left before it had to
        one_more = make_window(sizes, after=after).between(window.floor - 1, window.head)
        assert len(one_more) > max_events or sum(entry.size for entry in one_more) > max_bytes


@given(
    sizes=sizes.filter(bool),
    floor=st.integers(0, 30),
    page=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    max_events=st.integers(0, 20),
    max_bytes=st.integers(0, 3000),
)
def test_it_grows_back_as_far_as_there_is_room(
    sizes: list[int], floor: int, page: tuple[int, int], max_events: int, max_bytes: int
) -> None:
    everything = make_window(sizes).between(0, len(sizes))
    window = make_window(sizes, max_events=0)
    window.trim(floor)
    window._max_events, window._max_bytes = max_events, max_bytes
    floor, size = window.floor, window.size
    window.extend_back(everything[slice(*page)])
    older = [entry.seq for entry in everything[slice(*page)] if entry.seq <= floor]
    entries = window.between(window.floor, window.head)
    assert entries == everything[window.floor :]
    assert window.size == sum(entry.size for entry in entries)
    if window.floor < floor:
        assert older[-1] == floor
        assert window.floor >= older[0] - 1
        assert len(window) <= max_events
        assert window.size <= max_bytes
    elif older and older[-1] == floor:
        assert len(window) >= max_events or size + everything[floor - 1].size > max_bytes


@pytest.mark.parametrize("seq", [5, 7])
def test_it_takes_only_what_follows(seq: int) -> None:
    with pytest.raises(ValueError, match="does not follow 5"):
        make_window([], after=5).append(event(seq))


@given(sizes=sizes.filter(bool), max_bytes=st.integers(1, 2000), data=st.data())
def test_batches_are_as_long_as_they_may_be(sizes: list[int], max_bytes: int, data: st.DataObject) -> None:
    window = make_window(sizes)
    after = data.draw(st.integers(0, len(sizes) - 1))
    limit = data.draw(st.integers(after + 1, len(sizes)))
    upto = window.batch_end(after, limit, max_bytes)
    size = sum(entry.size for entry in window.between(after, upto))
    assert after < upto <= limit
    assert size <= max_bytes or upto == after + 1
    assert upto == limit or sum(entry.size for entry in window.between(after, upto + 1)) > max_bytes


@given(sizes=sizes, max_bytes=st.integers(1, 2000))
def test_pages_are_the_batches_of_a_window(sizes: list[int], max_bytes: int) -> None:
    window = make_window(sizes)
    expected = []
    after = 0
    while after < window.head:
        upto = window.batch_end(after, window.head, max_bytes)
        assert upto > after
        expected.append(window.between(after, upto))
        after = upto
    assert [list(page) for page in pages(window.between(0, window.head), max_bytes)] == expected


@given(contents, views)
def test_a_batch_is_what_the_view_sees_without_what_is_overwritten(
    contents: list[tuple[str, str | None, str | None, set[str]]], view: View
) -> None:
    events = [
        Event(seq, type_, 0, {audience: b'"%s"' % audience.encode() for audience in audiences}, topic, key)
        for seq, (type_, topic, key, audiences) in enumerate(contents, 1)
    ]
    seen = [
        event
        for event in events
        if view.filter.passes(event.type, event.topic) and set(view.audiences) & event.variants.keys()
    ]
    newest = {event.key: event.seq for event in seen}
    kept = [event for event in seen if event.key is None or newest[event.key] == event.seq]

    batch = Batch.of([Entry.of("e1", "t1", event) for event in events], view)
    frames = list(parse(batch.payload.decode()))
    assert [frame.id for frame in frames] == [f"e1.{event.seq}" for event in kept]
    assert [frame.data for frame in frames] == [
        next(audience for audience in view.audiences if audience in event.variants) for event in kept
    ]
    assert batch.frames == len(kept)
    assert batch.conflated == len(seen) - len(kept)


@given(contents, views, st.data())
def test_cut_off_anywhere_and_resumed_the_end_is_the_same(
    contents: list[tuple[str, str | None, str | None, set[str]]], view: View, data: st.DataObject
) -> None:
    """A connection may break behind any frame; the client comes back with that frame's id."""
    entries = [
        Entry.of("e1", "t1", Event(seq, type_, 0, dict.fromkeys(audiences, b"%d" % seq), topic, key))
        for seq, (type_, topic, key, audiences) in enumerate(contents, 1)
    ]
    keys = {f"e1.{entry.seq}": entry.key or entry.seq for entry in entries}

    def state(ids: list[str | None]) -> dict[str | int, str]:
        return {keys[id_]: id_ for id_ in ids if id_}

    whole = [frame.id for frame in parse(Batch.of(entries, view).payload.decode())]
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    resumed = int(cut[-1].split(".")[1]) if cut and cut[-1] else 0
    rest = [frame.id for frame in parse(Batch.of(entries[resumed:], view).payload.decode())]
    assert state(cut + rest) == state(whole)


def test_an_entry_is_encoded_once_per_audience() -> None:
    entry = Entry.of("e1", "t1", Event(1, "a", 0, {"public": b"1", "moderators": b"22"}))
    assert entry.size == sum(map(len, entry.frames.values()))
    first = Batch.of([entry], EVERYTHING).payload
    assert first == entry.frames["public"]


@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=30),
    kept=st.integers(1, 30),
    max_bytes=st.integers(1, 2500),
    data=st.data(),
)
def test_a_batch_ends_where_counting_says(sizes: list[int], kept: int, max_bytes: int, data: st.DataObject) -> None:
    window = Window("e1", "t1", after=0, max_events=kept, max_bytes=1_000_000)
    for seq, size in enumerate(sizes, start=1):
        window.append(event(seq, b'"' + b"x" * size + b'"'))
    window.trim(len(sizes))
    after = data.draw(st.integers(window.floor, window.head - 1))
    limit = data.draw(st.integers(after + 1, window.head))
    entries = window.between(after, limit)
    counted = [sum(entry.size for entry in entries[: number + 1]) for number in range(len(entries))]
    fitting = sum(total <= max_bytes for total in counted)
    assert window.batch_end(after, limit, max_bytes) == after + max(1, fitting)


def test_what_was_taken_back_in_is_measured_as_what_was_appended() -> None:
    sizes = [100, 20, 300, 5, 60]
    whole, extended = make_window(sizes), make_window(sizes[3:], after=3)
    extended.extend_back(whole.between(0, 3))
    assert (extended.floor, extended.size) == (0, whole.size)
    for after in range(5):
        for max_bytes in range(0, 1500, 50):
            assert extended.batch_end(after, 5, max_bytes) == whole.batch_end(after, 5, max_bytes)
