import json
from collections.abc import Callable
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime import InvalidPosition, Position, frames
from tests.realtime.support import START, event, parse

HERE = Position("e1", 7)
texts = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\r\n\0:\u2028\ufeff")))
values = st.recursive(st.none() | st.integers() | texts, lambda inner: st.dictionaries(texts, inner, max_size=3))


@given(data=values, indent=st.sampled_from([None, 0, 2]), tenant=texts, type_=texts)
def test_no_content_breaks_a_frame(data: object, indent: int | None, tenant: str, type_: str) -> None:
    raw = json.dumps(data, indent=indent, ensure_ascii=False).encode()
    logged = frames.logged("e1", tenant, event(7, raw, type_=type_))["public"]
    whole = logged + frames.snapshot(HERE, tenant, raw, START) + frames.heartbeat(tenant, START)
    one, two, three = parse(whole.decode())
    assert (one.id, two.id, three.id) == ("e1.7", "e1.7", None)
    assert one.message == {"type": type_, "tenantId": tenant, "data": json.loads(raw), "timestamp": START}
    assert two.data == json.loads(raw)


@given(greeting=st.dictionaries(texts, values, max_size=3), tenant=texts)
def test_a_greeting_adds_and_overwrites_nothing(greeting: dict[str, object], tenant: str) -> None:
    hostile = {**greeting, "type": "snapshot", "tenantId": "another", "timestamp": 0}
    (frame,) = parse(frames.connected(HERE, tenant, hostile, START, 1234).decode())
    assert frame.retry == 1234
    assert frame.id == "e1.7"
    assert frame.message == {**greeting, "type": "connected", "tenantId": tenant, "timestamp": START}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\0"])
def test_an_epoch_that_would_break_an_id_is_refused(end: str) -> None:
    with pytest.raises(InvalidPosition):
        frames.logged("e1" + end, "t1", event(1))


@given(
    data=st.recursive(values | st.lists(texts), st.lists),
    separators=st.sampled_from([(",", ":"), (", ", ": ")]),
    room=st.integers(1, 60),
)
def test_long_json_is_broken_into_lines_and_means_the_same(
    data: object, separators: tuple[str, str], room: int
) -> None:
    raw = json.dumps(data, separators=separators, ensure_ascii=False).encode()
    with patch.object(frames, "_ROOM", room):
        (frame,) = parse(frames.snapshot(HERE, "t1", raw, START).decode())
    assert (frame.id, frame.data) == ("e1.7", data)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "as json.dumps writes"])
@pytest.mark.parametrize("text", ["short", ',"', ',{"x', 'x" ,{"', '\\",["a', "ü,“ " * 50])
def test_no_line_is_longer_than_clients_can_take(text: str, separators: tuple[str, str]) -> None:
    items = [{"id": f"q{number}", "body": text, "tags": [text, "b"]} for number in range(20_000)]
    raw = json.dumps({"questions": items}, separators=separators).encode()
    frame = frames.snapshot(HERE, "t1", raw, START)
    lines = frame.split(b"\n")
    assert max(map(len, lines)) <= 65_536
    assert len(lines) < 1.1 * len(frame) / 65_536 + 4, "no more lines than needed"
    assert lines[-3:] == [b"id: e1.7", b"", b""]
    (parsed,) = parse(frame.decode())
    assert parsed.data == {"questions": items}


def test_what_can_not_be_broken_is_one_line() -> None:
    for data in ([0] * 50_000, "x" * 200_000):
        raw = json.dumps(data, separators=(",", ":")).encode()
        (frame,) = parse(frames.snapshot(HERE, "t1", raw, START).decode())
        assert frame.data == data


def test_lines_are_full_and_only_an_item_that_is_too_long_makes_a_longer_one() -> None:
    items = ["x" * 100_000, *(f"{number:07000}" for number in range(100))]
    raw = json.dumps(items, separators=(",", ":")).encode()
    frame = frames.snapshot(HERE, "t1", raw, START)
    longest, *others = sorted(map(len, frame.split(b"\n")), reverse=True)
    assert longest < 101_000
    assert others[0] <= 65_536
    assert len(others) < 18
    (parsed,) = parse(frame.decode())
    assert parsed.data == items


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_line_breaks_between_tokens_become_spaces(end: str) -> None:
    frame = frames.logged("e1", "t1", event(7, f'{{{end}"id":{end}"q1"{end}}}'.encode()))["public"]
    assert b"\r" not in frame
    (parsed,) = parse(frame.decode())
    assert (parsed.id, parsed.data) == ("e1.7", {"id": "q1"})


def test_each_audience_has_its_frame() -> None:
    assert frames.logged("e1", "t1", event(1)).keys() == {"public"}


@pytest.mark.parametrize(
    "make,type_,retry",
    [
        (lambda reason: frames.reset("t1", reason, START), "reset", None),
        (lambda reason: frames.goodbye("t1", reason, START, 2500), "goodbye", 2500),
    ],
)
def test_reasons(make: Callable[[str], bytes], type_: str, retry: int | None) -> None:
    (frame,) = parse(make('be"cause\n').decode())
    assert (frame.id, frame.retry, frame.type, frame.data) == (None, retry, type_, {"reason": 'be"cause\n'})


def test_there_is_never_an_event_field() -> None:
    whole = frames.heartbeat("t1", 1) + frames.goodbye("t1", "x", 1, 1) + frames.reset("t1", "x", 1)
    assert not any(line.startswith(b"event") for line in whole.splitlines())
