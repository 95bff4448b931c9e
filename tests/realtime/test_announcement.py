import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulsestage.realtime import Announcement, Event, InvalidPosition, MalformedAnnouncement

texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
data = st.builds(lambda value, ascii_: json.dumps(value, ensure_ascii=ascii_).encode(), values, st.booleans())


@st.composite
def announcements(draw: st.DrawFn) -> Announcement:
    size = draw(st.integers(0, 4))
    head = draw(st.integers(size, 2**63 - 1))
    events = tuple(
        Event(
            seq,
            draw(texts),
            draw(st.integers(-(2**63), 2**63 - 1)),
            draw(st.dictionaries(texts, data, max_size=3)),
            draw(st.none() | texts),
            draw(st.none() | texts),
        )
        for seq in range(head - size + 1, head + 1)
    )
    epoch = draw(st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True))
    return Announcement(draw(texts), epoch, head, events)


@given(announcements())
def test_bytes_and_back(announcement: Announcement) -> None:
    assert Announcement.decode(announcement.encode()) == announcement


@given(announcements())
def test_its_bytes_are_text_without_a_nul(announcement: Announcement) -> None:
    assert "\0" not in announcement.encode().decode()


@given(announcements(), st.integers(0, 1000))
def test_over_the_limit_it_keeps_its_head_alone(announcement: Announcement, limit: int) -> None:
    whole = announcement.encode()
    encoded = announcement.encode(limit)
    if len(whole) <= limit:
        assert encoded == whole
    else:
        expected = Announcement(announcement.tenant, announcement.epoch, announcement.head)
        assert Announcement.decode(encoded) == expected


def test_the_limit_itself_is_within_it() -> None:
    event = Event(1, "t", 0, {"public": b"{}"})
    whole = Announcement("t1", "e1", 1, (event,)).encode()
    assert Announcement("t1", "e1", 1, (event,)).encode(len(whole)) == whole
    assert b"events" not in Announcement("t1", "e1", 1, (event,)).encode(len(whole) - 1)


@given(st.binary() | texts.map(str.encode) | values.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 1_000_000)
@example(b'{"v":1,"tenant":"t1","epoch":"e1","head":1,"x":' + b"[" * 1_000_000)
def test_arbitrary_bytes_announce_nothing(data: bytes) -> None:
    with pytest.raises(MalformedAnnouncement):
        Announcement.decode(data)


@given(announcements(), st.data())
def test_broken_bytes_are_malformed_or_another_announcement(announcement: Announcement, data: st.DataObject) -> None:
    encoded = bytearray(announcement.encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = Announcement.decode(bytes(encoded))
    except MalformedAnnouncement:
        return
    assert Announcement.decode(decoded.encode()) == decoded


GOOD = b'{"v":1,"tenant":"t1","epoch":"e1","head":1}'
EVENT = b'{"seq":1,"type":"t","timestamp":0,"variants":{"public":{}}}'


@pytest.mark.parametrize(
    "data",
    [
        GOOD.replace(b'"v":1', b'"v":2'),
        GOOD.replace(b'"v":1,', b""),
        GOOD.replace(b"e1", b"e.1"),
        GOOD.replace(b"e1", b"e1\\n"),
        GOOD.replace(b"1}", b"-1}"),
        GOOD.replace(b"1}", b"9223372036854775808}"),
        GOOD.replace(b"1}", b"1e999}"),
        GOOD.replace(b"t1", b"\xff"),
        GOOD.replace(b"t1", b"\\ud800"),
        GOOD[:-1],
        GOOD + GOOD,
        GOOD[:-1] + b',"events":[' + EVENT.replace(b'"seq":1', b'"seq":2') + b"]}",
        GOOD[:-1] + b',"events":[' + EVENT + b"," + EVENT + b"]}",
        GOOD[:-1] + b',"events":[' + EVENT.replace(b"{}", b"{") + b"]}",
        GOOD[:-1] + b',"events":[' + EVENT.replace(b"{}", b'"\xff"') + b"]}",
        GOOD[:-1] + b',"events":[' + EVENT.replace(b"{}", b"[" * 100_000 + b"]" * 100_000) + b"]}",
    ],
)
def test_what_is_no_announcement(data: bytes) -> None:
    Announcement.decode(GOOD)
    with pytest.raises(MalformedAnnouncement):
        Announcement.decode(data)


def test_members_may_be_added() -> None:
    newer = GOOD[:-1] + b',"events":[' + EVENT[:-1] + b',"priority":3}],"sender":"p1"}'
    assert Announcement.decode(newer) == Announcement("t1", "e1", 1, (Event(1, "t", 0, {"public": b"{}"}),))


@pytest.mark.parametrize("head,seqs", [(0, [0]), (2, [1]), (2, [2, 3]), (3, [1, 3]), (3, [3, 2])])
def test_its_events_are_the_last_ones_up_to_its_head(head: int, seqs: list[int]) -> None:
    with pytest.raises(ValueError, match="these are not the events"):
        Announcement("t1", "e1", head, tuple(Event(seq, "t", 0, {}) for seq in seqs))


def test_its_head_is_a_position() -> None:
    with pytest.raises(InvalidPosition):
        Announcement("t1", "e.1", 1)
