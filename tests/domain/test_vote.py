"""Folding a batch of ballots means what its ballots mean one by one."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain import errors
from pulsestage.domain.question import Question
from pulsestage.domain.vote import Ballot, fold
from tests.domain.examples import NOW, a_question

Votes = Set[tuple[str, str]]

OPEN = {"q1": a_question("q1", upvotes=3), "q2": a_question("q2")}
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"frozen_at": NOW},
    {"responded_at": NOW, "response_text": "Yes."},
    {"frozen_at": NOW, "responded_at": NOW, "response_text": "Yes."},
)

ids = st.sampled_from(["q1", "q2", "q3", "q4", "gone"])
voters = st.sampled_from(["ann", "ben", "cat", "author"])
ballots = st.lists(st.builds(Ballot, ids, voters, st.booleans()), max_size=40)


@st.composite
def rooms(draw: st.DrawFn) -> tuple[dict[str, Question], frozenset[tuple[str, str]]]:
    """Questions of every kind, and votes that agree with their counts."""
    votes = frozenset(draw(st.sets(st.tuples(st.sampled_from(["q1", "q2", "q3", "q4"]), voters))))
    questions = {
        name: a_question(name, upvotes=sum(1 for voted, _ in votes if voted == name), **draw(st.sampled_from(KINDS)))
        for name in ("q1", "q2", "q3", "q4")
    }
    return questions, votes


@given(rooms(), ballots)
def test_a_batch_comes_to_the_same_as_its_ballots_one_by_one(
    room: tuple[dict[str, Question], frozenset[tuple[str, str]]], batch: Sequence[Ballot]
) -> None:
    questions, votes = room
    at_once = fold(batch, questions, votes)
    outcomes, after, held = _one_by_one(batch, questions, votes)
    assert [type(outcome) for outcome in at_once.outcomes] == outcomes
    assert at_once.questions == after
    assert (votes | at_once.added) - at_once.removed == held
    assert at_once.changed == tuple(after[key] for key in sorted(after) if after[key] != questions[key])
    for name, question in at_once.questions.items():
        assert question.upvotes == sum(1 for voted, _ in held if voted == name)


def _one_by_one(
    batch: Sequence[Ballot], questions: Mapping[str, Question], votes: Votes
) -> tuple[list[type[object]], Mapping[str, Question], Votes]:
    outcomes: list[type[object]] = []
    for ballot in batch:
        single = fold([ballot], questions, votes)
        outcomes.append(type(single.outcomes[0]))
        questions, votes = single.questions, (votes | single.added) - single.removed
    return outcomes, questions, votes


def test_many_votes_for_one_question_are_one_event_with_the_final_count() -> None:
    result = fold([Ballot("q1", f"voter {n}", up=True) for n in range(50)], OPEN, frozenset())
    assert result.outcomes == (None,) * 50
    [event] = result.events
    assert (event.question.id, event.question.upvotes) == ("q1", 53)


def test_votes_that_are_taken_back_count_less() -> None:
    votes = frozenset({("q1", "ann"), ("q1", "ben"), ("q1", "cat")})
    result = fold([Ballot("q1", voter, up=voter == "dan") for voter in ("ann", "ben", "dan")], OPEN, votes)
    assert result.outcomes == (None, None, None)
    assert (set(result.added), set(result.removed)) == ({("q1", "dan")}, {("q1", "ann"), ("q1", "ben")})
    assert result.changed == (replace(OPEN["q1"], upvotes=2),)
    assert result.questions == {**OPEN, "q1": replace(OPEN["q1"], upvotes=2)}


def test_a_vote_that_is_given_and_taken_back_in_one_batch_leaves_nothing() -> None:
    result = fold([Ballot("q1", "ann", up=True), Ballot("q1", "ann", up=False)], OPEN, frozenset())
    assert result.outcomes == (None, None)
    assert (result.added, result.removed, result.events) == (frozenset(), frozenset(), ())
    assert result.questions == OPEN


def test_of_identical_ballots_one_counts() -> None:
    result = fold([Ballot("q2", "ann", up=True)] * 20, OPEN, frozenset())
    assert [outcome is None for outcome in result.outcomes] == [True, *[False] * 19]
    assert result.questions["q2"].upvotes == 1


@pytest.mark.parametrize(
    "question,up,problem",
    [
        (a_question(frozen_at=NOW), True, errors.QuestionFrozen),
        (a_question(frozen_at=NOW), False, errors.QuestionFrozen),
        (a_question(responded_at=NOW), True, errors.QuestionAnswered),
        (a_question(responded_at=NOW), False, errors.QuestionAnswered),
        (a_question(author_key="ann"), True, errors.OwnQuestion),
        (a_question(), False, errors.NotUpvoted),
        (a_question("another"), True, errors.QuestionNotFound),
    ],
)
def test_a_refused_ballot_says_why_and_changes_nothing(
    question: Question, problem: type[errors.PulseStageError], *, up: bool
) -> None:
    result = fold([Ballot("q1", "ann", up)], {question.id: question}, frozenset())
    assert [type(outcome) for outcome in result.outcomes] == [problem]
    assert (result.added, result.removed, result.changed) == (frozenset(), frozenset(), ())


def test_a_refused_ballot_spoils_no_other() -> None:
    questions = {"q1": OPEN["q1"], "q2": replace(OPEN["q2"], frozen_at=NOW)}
    result = fold([Ballot("q2", "ann", up=True), Ballot("q1", "ann", up=True)], questions, frozenset())
    assert isinstance(result.outcomes[0], errors.QuestionFrozen)
    assert result.questions["q1"].upvotes == 4
