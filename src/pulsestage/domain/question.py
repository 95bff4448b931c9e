"""A question and its life: asked, voted for, tagged, pinned, frozen, answered, removed.

Each step takes the question as it is and returns it as it will be, with the events that tell of it. A step that
changes nothing returns the same question and no event, so that two moderators never undo each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from pulsestage.domain import events
from pulsestage.domain.errors import NotAllowed, QuestionFrozen
from pulsestage.domain.order import by_name
from pulsestage.domain.text import clean_text

if TYPE_CHECKING:
    from pulsestage.domain.tag import Tag
    from pulsestage.domain.tenant import Millis, TenantSettings

Change: TypeAlias = "tuple[Question, tuple[events.QuestionEvent, ...]]"
"""A question after a step, and what happened."""


class Status(StrEnum):
    """Whether a question waits or is done."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"


@dataclass(frozen=True, slots=True)
class Question:
    """A question. `author_key` is its asker's pseudonym; it never leaves the server."""

    id: str
    tenant_id: str
    team_id: str | None
    body: str
    created_at: Millis
    updated_at: Millis
    author_key: str
    upvotes: int = 0
    response_text: str | None = None
    responded_at: Millis | None = None
    pinned_at: Millis | None = None
    pinned_by: str | None = None
    frozen_at: Millis | None = None
    frozen_by: str | None = None
    removed_at: Millis | None = None
    tags: tuple[Tag, ...] = ()

    @property
    def status(self) -> Status:
        """Open until it is answered."""
        return Status.OPEN if self.responded_at is None else Status.ANSWERED


def check_body(body: str, settings: TenantSettings) -> str:
    """The body as it is stored. Raises InvalidInput."""
    return clean_text("body", body, shortest=settings.question_min_length, longest=settings.question_max_length)


def ask(question_id: str, tenant_id: str, team_id: str | None, body: str, author_key: str, now: Millis) -> Change:
    """A new question; `body` has passed `check_body`."""
    question = Question(question_id, tenant_id, team_id, body, now, now, author_key)
    return question, (events.QuestionCreated(question),)


def answer(question: Question, response: str, now: Millis) -> Change:
    """Answer, or change the answer. Raises QuestionFrozen, InvalidInput."""
    if question.frozen_at is not None:
        raise QuestionFrozen
    text = clean_text("response", response, shortest=1, longest=10_000)
    question = replace(question, response_text=text, responded_at=now, updated_at=now)
    return question, (events.QuestionAnswered(question),)


def pin(question: Question, by: str | None, now: Millis) -> Change:
    """Put it on top."""
    if question.pinned_at is not None:
        return question, ()
    question = replace(question, pinned_at=now, pinned_by=by, updated_at=now)
    return question, (events.QuestionPinned(question),)


def unpin(question: Question, now: Millis) -> Change:
    """Let it sink to its place."""
    if question.pinned_at is None:
        return question, ()
    question = replace(question, pinned_at=None, pinned_by=None, updated_at=now)
    return question, (events.QuestionPinned(question),)


def freeze(question: Question, by: str | None, now: Millis) -> Change:
    """No new votes and no answer from here on."""
    if question.frozen_at is not None:
        return question, ()
    question = replace(question, frozen_at=now, frozen_by=by, updated_at=now)
    return question, (events.QuestionFrozen(question),)


def unfreeze(question: Question, now: Millis) -> Change:
    """Votes and answers are welcome again."""
    if question.frozen_at is None:
        return question, ()
    question = replace(question, frozen_at=None, frozen_by=None, updated_at=now)
    return question, (events.QuestionFrozen(question),)


def tag(question: Question, added: Tag, now: Millis) -> Change:
    """Give it a tag."""
    if any(present.id == added.id for present in question.tags):
        return question, ()
    tags = tuple(sorted((*question.tags, added), key=lambda each: by_name(each.name, each.id)))
    question = replace(question, tags=tags, updated_at=now)
    return question, (events.QuestionTagged(question),)


def untag(question: Question, removed: Tag, now: Millis) -> Change:
    """Take a tag away."""
    tags = tuple(present for present in question.tags if present.id != removed.id)
    if len(tags) == len(question.tags):
        return question, ()
    question = replace(question, tags=tags, updated_at=now)
    return question, (events.QuestionUntagged(question),)


def withdraw(question: Question, now: Millis) -> Change:
    """Its author takes it back, which is possible until it is answered. Raises NotAllowed."""
    if question.status is Status.ANSWERED:
        raise NotAllowed("An answered question stays; ask a moderator to remove it.")
    return remove(question, now)


def remove(question: Question, now: Millis) -> Change:
    """Take it off every screen."""
    if question.removed_at is not None:
        return question, ()
    question = replace(question, removed_at=now, updated_at=now)
    return question, (events.QuestionRemoved(question),)
