"""What the log stores and streams send: the right members, for the right audience, in one line, and no author ever."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain import events
from pulsestage.realtime import EVERY_TOPIC
from pulsestage.services.wire import encode, encode_json
from tests.domain.examples import LATER, NOW, a_question, a_tag

QUESTION = a_question(
    "q1", team_id="m1", author_key="AUTHOR", upvotes=3, response_text="Yes.", responded_at=LATER, pinned_at=NOW,
    pinned_by="PINNER", frozen_at=NOW, frozen_by="FREEZER", tags=(a_tag("g1", "Pay"),),
)  # fmt: skip
OF_QUESTIONS = [
    each
    for each in vars(events).values()
    if isinstance(each, type) and issubclass(each, events.QuestionEvent) and each is not events.QuestionEvent
]


def data(event: events.Event, audience: str = "public") -> Any:
    return json.loads(encode(event, 7, NOW).variants[audience])


def test_every_type_can_be_encoded() -> None:
    assert {each.type for each in OF_QUESTIONS} | {"tags:changed", "teams:changed"} == set(events.EVENT_TYPES)


@pytest.mark.parametrize("kind", OF_QUESTIONS)
def test_no_event_names_who_asked(kind: type[events.QuestionEvent]) -> None:
    logged = encode(kind(QUESTION), 7, NOW)
    assert (logged.seq, logged.type, logged.timestamp, logged.topic) == (7, kind.type, NOW, "m1")
    for variant in logged.variants.values():
        assert b"AUTHOR" not in variant
        assert json.loads(variant)["id"] == json.loads(variant)["questionId"] == "q1"
    public = logged.variants["public"]
    assert b"PINNER" not in public
    assert b"FREEZER" not in public


def test_moderators_have_a_variant_where_they_see_more() -> None:
    assert data(events.QuestionPinned(QUESTION), "moderators")["pinnedBy"] == "PINNER"
    assert data(events.QuestionFrozen(QUESTION), "moderators")["frozenBy"] == "FREEZER"
    assert data(events.QuestionPinned(QUESTION))["pinnedBy"] is None
    assert encode(events.QuestionUpvoted(QUESTION), 7, NOW).variants.keys() == {"public"}


def test_counts_overwrite_each_other_and_nothing_else_does() -> None:
    keys = {kind.type: encode(kind(QUESTION), 7, NOW).key for kind in OF_QUESTIONS}
    assert {type_: key for type_, key in keys.items() if key} == {"question:upvoted": "upvotes:q1"}


def test_the_catalogue_concerns_every_team() -> None:
    logged = encode(events.TagsChanged((a_tag("g1", "Pay"),)), 7, NOW)
    assert logged.topic == EVERY_TOPIC
    assert json.loads(logged.variants["public"])["tags"][0]["createdAt"] == "2023-10-08T11:50:00.000Z"


@given(st.text())
def test_any_text_is_one_line_for_every_reader_of_lines(text: str) -> None:
    encoded = encode_json({"body": text})
    assert len(encoded.decode().splitlines()) == 1
    assert json.loads(encoded) == {"body": text}
