"""A question's life, step by step."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pulsestage.domain import events
from pulsestage.domain import question as life
from pulsestage.domain.errors import InvalidInput, NotAllowed, QuestionFrozen
from pulsestage.domain.question import Change, Question, Status
from pulsestage.domain.tenant import TenantSettings
from tests.domain.examples import LATER, NOW, a_question, a_tag

Step = Callable[[Question], Change]

PINNED = a_question(pinned_at=NOW, pinned_by="m1")
FROZEN = a_question(frozen_at=NOW, frozen_by="m1")
ANSWERED = a_question(response_text="In March.", responded_at=NOW)


def test_a_new_question_is_open_and_has_no_votes() -> None:
    question, happened = life.ask("q1", "t1", "team", "When?", "author", NOW)
    assert question == Question("q1", "t1", "team", "When?", created_at=NOW, updated_at=NOW, author_key="author")
    assert (question.status, question.upvotes) == (Status.OPEN, 0)
    assert happened == (events.QuestionCreated(question),)


def test_an_answer_is_kept_and_told() -> None:
    question, happened = life.answer(BUSY, "  In March.\r\n", LATER)
    assert question == replace(BUSY, response_text="In March.", responded_at=LATER, updated_at=LATER)
    assert question.status is Status.ANSWERED
    assert happened == (events.QuestionAnswered(question),)


def test_an_answer_can_be_changed() -> None:
    question, happened = life.answer(ANSWERED, "In April.", LATER)
    assert question == replace(ANSWERED, response_text="In April.", responded_at=LATER, updated_at=LATER)
    assert happened == (events.QuestionAnswered(question),)


@pytest.mark.parametrize("text", ["", "   \n", "x" * 10_001])
def test_an_answer_has_1_to_10000_characters(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        life.answer(a_question(), text, LATER)
    assert refused.value.fields.keys() == {"response"}


@pytest.mark.parametrize("text", ["x", "ö" * 10_000])
def test_the_shortest_and_the_longest_answer_are_taken(text: str) -> None:
    assert life.answer(a_question(), text, LATER)[0].response_text == text


def test_a_frozen_question_takes_no_answer() -> None:
    with pytest.raises(QuestionFrozen):
        life.answer(FROZEN, "In March.", LATER)


PAY, FOOD = a_tag("g1", "Pay"), a_tag("g2", "Food")
BUSY = a_question(team_id="m1", upvotes=3, pinned_at=NOW, pinned_by="m1", tags=(FOOD,))
"""Has of everything something that a step could lose by mistake."""
BUSY_AND_FROZEN = replace(BUSY, frozen_at=NOW, frozen_by="m2")
BUSY_AND_UNPINNED = replace(BUSY_AND_FROZEN, pinned_at=None, pinned_by=None)

STEPS: dict[str, tuple[Step, Question, dict[str, Any], type[events.QuestionEvent]]] = {
    "pin": (
        lambda question: life.pin(question, "m3", LATER),
        BUSY_AND_UNPINNED,
        {"pinned_at": LATER, "pinned_by": "m3"},
        events.QuestionPinned,
    ),
    "unpin": (
        lambda question: life.unpin(question, LATER),
        BUSY_AND_FROZEN,
        {"pinned_at": None, "pinned_by": None},
        events.QuestionPinned,
    ),
    "freeze": (
        lambda question: life.freeze(question, "m3", LATER),
        BUSY,
        {"frozen_at": LATER, "frozen_by": "m3"},
        events.QuestionFrozen,
    ),
    "unfreeze": (
        lambda question: life.unfreeze(question, LATER),
        BUSY_AND_FROZEN,
        {"frozen_at": None, "frozen_by": None},
        events.QuestionFrozen,
    ),
    "tag": (
        lambda question: life.tag(question, PAY, LATER),
        BUSY_AND_FROZEN,
        {"tags": (FOOD, PAY)},
        events.QuestionTagged,
    ),
    "untag": (
        lambda question: life.untag(question, PAY, LATER),
        replace(BUSY_AND_FROZEN, tags=(FOOD, PAY)),
        {"tags": (FOOD,)},
        events.QuestionUntagged,
    ),
    "remove": (
        lambda question: life.remove(question, LATER),
        replace(BUSY_AND_FROZEN, response_text="In March.", responded_at=NOW),
        {"removed_at": LATER},
        events.QuestionRemoved,
    ),
    "withdraw": (
        lambda question: life.withdraw(question, LATER),
        BUSY_AND_FROZEN,
        {"removed_at": LATER},
        events.QuestionRemoved,
    ),
}


@pytest.mark.parametrize("step,before,changed,event", STEPS.values(), ids=STEPS)
def test_a_step_changes_one_thing_and_tells_of_it_and_again_changes_nothing(
    step: Step, before: Question, changed: dict[str, Any], event: type[events.QuestionEvent]
) -> None:
    after, happened = step(before)
    assert after == replace(before, **changed, updated_at=LATER)
    assert happened == (event(after),)
    assert step(after) == (after, ())


def test_the_second_moderator_does_not_take_over_a_pin_or_a_freeze() -> None:
    assert life.pin(PINNED, "m2", LATER) == (PINNED, ())
    assert life.freeze(FROZEN, "m2", LATER) == (FROZEN, ())


def test_tags_are_in_the_order_of_their_names_whatever_their_case() -> None:
    question = a_question()
    for tag in (a_tag("g1", "zoo"), a_tag("g2", "Äpfel"), a_tag("g3", "Bees")):
        question, _ = life.tag(question, tag, LATER)
    assert [tag.name for tag in question.tags] == ["Äpfel", "Bees", "zoo"]


def test_an_answered_question_is_not_withdrawn_but_can_be_removed() -> None:
    with pytest.raises(NotAllowed):
        life.withdraw(ANSWERED, LATER)
    assert life.remove(ANSWERED, LATER)[0].removed_at == LATER


@pytest.mark.parametrize("body,accepted", [("ab", False), ("abc", True), ("😀" * 5, True), ("abcdef", False)])
def test_a_tenant_sets_how_long_a_question_may_be(body: str, *, accepted: bool) -> None:
    settings = TenantSettings(question_min_length=3, question_max_length=5)
    if accepted:
        assert life.check_body(f" {body} ", settings) == body
    else:
        with pytest.raises(InvalidInput, match="3 to 5"):
            life.check_body(body, settings)


@pytest.mark.parametrize("body,accepted", [("ab", False), ("abc", True), ("x" * 2000, True), ("x" * 2001, False)])
def test_a_question_has_3_to_2000_characters_where_a_tenant_sets_nothing(body: str, *, accepted: bool) -> None:
    if accepted:
        assert life.check_body(body, TenantSettings()) == body
    else:
        with pytest.raises(InvalidInput, match="3 to 2000"):
            life.check_body(body, TenantSettings())
