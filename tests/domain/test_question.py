"""A question's life, step by step."""

from collections.abc import Callable
from dataclasses import replace

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
    assert (question.status, question.upvotes, question.team_id) == (Status.OPEN, 0, "team")
    assert question.created_at == question.updated_at == NOW
    assert happened == (events.QuestionCreated(question),)


def test_an_answer_is_kept_and_told() -> None:
    question, happened = life.answer(a_question(), "  In March.\r\n", LATER)
    assert (question.response_text, question.responded_at, question.status) == ("In March.", LATER, Status.ANSWERED)
    assert happened == (events.QuestionAnswered(question),)


def test_an_answer_can_be_changed() -> None:
    question, happened = life.answer(ANSWERED, "In April.", LATER)
    assert (question.response_text, question.responded_at) == ("In April.", LATER)
    assert len(happened) == 1


@pytest.mark.parametrize("text", ["", "   \n", "x" * 10_001])
def test_an_answer_has_1_to_10000_characters(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        life.answer(a_question(), text, LATER)
    assert refused.value.fields.keys() == {"response"}


def test_the_longest_answer_is_taken() -> None:
    assert len(life.answer(a_question(), "ö" * 10_000, LATER)[0].response_text or "") == 10_000


def test_a_frozen_question_takes_no_answer() -> None:
    with pytest.raises(QuestionFrozen):
        life.answer(FROZEN, "In March.", LATER)


STEPS: list[tuple[Step, Question, type[events.QuestionEvent]]] = [
    (lambda question: life.pin(question, "m1", LATER), a_question(), events.QuestionPinned),
    (lambda question: life.unpin(question, LATER), PINNED, events.QuestionPinned),
    (lambda question: life.freeze(question, "m1", LATER), a_question(), events.QuestionFrozen),
    (lambda question: life.unfreeze(question, LATER), FROZEN, events.QuestionFrozen),
    (lambda question: life.tag(question, a_tag("g1", "Pay"), LATER), a_question(), events.QuestionTagged),
    (
        lambda question: life.untag(question, a_tag("g1", "Pay"), LATER),
        a_question(tags=(a_tag("g1", "Pay"),)),
        events.QuestionUntagged,
    ),
    (lambda question: life.remove(question, LATER), a_question(), events.QuestionRemoved),
    (lambda question: life.withdraw(question, LATER), a_question(), events.QuestionRemoved),
]


@pytest.mark.parametrize("step,before,event", STEPS)
def test_a_step_tells_of_itself_once_and_again_changes_nothing(
    step: Step, before: Question, event: type[events.QuestionEvent]
) -> None:
    after, happened = step(before)
    assert after != before
    assert after.updated_at == LATER
    assert happened == (event(after),)
    assert step(after) == (after, ())


def test_the_second_moderator_does_not_take_over_a_pin_or_a_freeze() -> None:
    assert life.pin(PINNED, "m2", LATER) == (PINNED, ())
    assert life.freeze(FROZEN, "m2", LATER) == (FROZEN, ())


def test_unpinning_and_unfreezing_forget_by_whom() -> None:
    assert life.unpin(PINNED, LATER)[0] == replace(a_question(), updated_at=LATER)
    assert life.unfreeze(FROZEN, LATER)[0] == replace(a_question(), updated_at=LATER)


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
