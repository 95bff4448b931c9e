"""Votes, and the folding of many into one change.

A ballot is one person's wish to vote for a question or to take the vote back. `fold` decides a whole batch in order,
against the votes that exist, and says what the batch changes: so that the order inside a batch means exactly what it
would have meant one by one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pulsestage.domain import events
from pulsestage.domain.errors import (
    AlreadyUpvoted,
    NotUpvoted,
    OwnQuestion,
    PulseStageError,
    QuestionAnswered,
    QuestionFrozen,
    QuestionNotFound,
)
from pulsestage.domain.question import Question, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set


@dataclass(frozen=True, slots=True)
class Ballot:
    """A wish. `voter_key` is the person's pseudonym on the question; `up` is false for taking the vote back."""

    question_id: str
    voter_key: str
    up: bool


@dataclass(frozen=True, slots=True)
class Fold:
    """What a batch comes to, after the whole of it."""

    outcomes: tuple[PulseStageError | None, ...]
    """For each ballot in order: why it was refused, or None."""
    questions: Mapping[str, Question]
    """Every question of the batch, by id, as it is afterwards."""
    changed: tuple[Question, ...]
    """Those whose count is another than before, in the order of their ids."""
    added: frozenset[tuple[str, str]]
    """Votes to store, as (question id, voter key)."""
    removed: frozenset[tuple[str, str]]
    """Votes to delete, likewise."""

    @property
    def events(self) -> tuple[events.QuestionUpvoted, ...]:
        """One event for each changed question, however many votes it took."""
        return tuple(events.QuestionUpvoted(question) for question in self.changed)


def fold(ballots: Sequence[Ballot], questions: Mapping[str, Question], votes: Set[tuple[str, str]]) -> Fold:
    """Decide ballots in order.

    `questions`: the visible ones by id; `votes`: those that exist, as (question id, voter key).
    """
    held = set(votes)
    delta: defaultdict[str, int] = defaultdict(int)
    outcomes: list[PulseStageError | None] = []
    for ballot in ballots:
        problem = _problem(ballot, questions.get(ballot.question_id), held)
        outcomes.append(problem)
        if problem is None:
            (held.add if ballot.up else held.discard)((ballot.question_id, ballot.voter_key))
            delta[ballot.question_id] += 1 if ballot.up else -1
    added, removed = frozenset(held - votes), frozenset(votes - held)
    after = {key: replace(each, upvotes=each.upvotes + delta[key]) for key, each in questions.items()}
    changed = tuple(after[key] for key in sorted(after) if delta[key])
    return Fold(tuple(outcomes), after, changed, added, removed)


def _problem(ballot: Ballot, question: Question | None, held: Set[tuple[str, str]]) -> PulseStageError | None:
    if question is None:
        return QuestionNotFound()
    if question.frozen_at is not None:
        return QuestionFrozen()
    if question.status is Status.ANSWERED:
        return QuestionAnswered()
    if question.author_key == ballot.voter_key:
        return OwnQuestion()
    has_voted = (question.id, ballot.voter_key) in held
    if ballot.up and has_voted:
        return AlreadyUpvoted()
    if not ballot.up and not has_voted:
        return NotUpvoted()
    return None
