"""From a domain event to what the log stores and streams send: the event's data, once for each audience.

`public` is everybody; `moderators` is present only where moderators see more. One struct per event type is the
contract of its `data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec
from msgspec import Struct

from pulsestage.domain import events
from pulsestage.domain.policy import MODERATORS, PUBLIC
from pulsestage.realtime import EVERY_TOPIC
from pulsestage.realtime import Event as LoggedEvent
from pulsestage.services.views import (
    Id,
    Status,
    TagRef,
    TagView,
    TeamView,
    Time,
    iso,
    iso_or_none,
    tag_refs,
    tag_view,
    team_view,
)

if TYPE_CHECKING:
    from pulsestage.domain.question import Question
    from pulsestage.domain.tenant import Millis


class OfQuestion(Struct, frozen=True, rename="camel"):
    """What all data about a question begins with; both are the question's id."""

    id: Id
    question_id: Id

    @classmethod
    def of(cls, q: Question, audience: str) -> Self:
        """What this audience is shown of the question."""
        raise NotImplementedError


class Created(OfQuestion, frozen=True):
    """`question:created`."""

    body: str
    upvotes: int
    status: Status
    team_id: Id | None
    created_at: Time

    @classmethod
    def of(cls, q: Question, _audience: str) -> Self:
        return cls(q.id, q.id, q.body, q.upvotes, q.status.value, q.team_id, iso(q.created_at))


class Upvoted(OfQuestion, frozen=True):
    """`question:upvoted`; the count is absolute."""

    upvotes: int

    @classmethod
    def of(cls, q: Question, _audience: str) -> Self:
        return cls(q.id, q.id, q.upvotes)


class Answered(OfQuestion, frozen=True):
    """`question:answered`."""

    response_text: str
    responded_at: Time
    updated_at: Time
    status: Literal["ANSWERED"]

    @classmethod
    def of(cls, q: Question, _audience: str) -> Self:
        return cls(q.id, q.id, q.response_text or "", iso(q.responded_at or 0), iso(q.updated_at), "ANSWERED")


class TagsOfQuestion(OfQuestion, frozen=True):
    """`question:tagged` and `question:untagged`: all the tags the question has now."""

    tags: tuple[TagRef, ...]
    updated_at: Time

    @classmethod
    def of(cls, q: Question, _audience: str) -> Self:
        return cls(q.id, q.id, tag_refs(q), iso(q.updated_at))


class Pinned(OfQuestion, frozen=True):
    """`question:pinned`; `pinnedBy` is null for all but moderators."""

    is_pinned: bool
    pinned_by: Id | None
    pinned_at: Time | None
    updated_at: Time

    @classmethod
    def of(cls, q: Question, audience: str) -> Self:
        by = q.pinned_by if audience == MODERATORS else None
        return cls(q.id, q.id, q.pinned_at is not None, by, iso_or_none(q.pinned_at), iso(q.updated_at))


class Frozen(OfQuestion, frozen=True):
    """`question:frozen`; `frozenBy` is null for all but moderators."""

    is_frozen: bool
    frozen_by: Id | None
    frozen_at: Time | None
    updated_at: Time

    @classmethod
    def of(cls, q: Question, audience: str) -> Self:
        by = q.frozen_by if audience == MODERATORS else None
        return cls(q.id, q.id, q.frozen_at is not None, by, iso_or_none(q.frozen_at), iso(q.updated_at))


class Removed(OfQuestion, frozen=True):
    """`question:removed`."""

    @classmethod
    def of(cls, q: Question, _audience: str) -> Self:
        return cls(q.id, q.id)


class AllTags(Struct, frozen=True, rename="camel"):
    """`tags:changed`."""

    tags: tuple[TagView, ...]


class AllTeams(Struct, frozen=True, rename="camel"):
    """`teams:changed`."""

    teams: tuple[TeamView, ...]


QUESTION_DATA: dict[str, type[OfQuestion]] = {
    events.QuestionCreated.type: Created,
    events.QuestionUpvoted.type: Upvoted,
    events.QuestionAnswered.type: Answered,
    events.QuestionTagged.type: TagsOfQuestion,
    events.QuestionUntagged.type: TagsOfQuestion,
    events.QuestionPinned.type: Pinned,
    events.QuestionFrozen.type: Frozen,
    events.QuestionRemoved.type: Removed,
}
DATA: dict[str, type[Struct]] = {
    **QUESTION_DATA,
    events.TagsChanged.type: AllTags,
    events.TeamsChanged.type: AllTeams,
}


def encode(event: events.Event, seq: int, timestamp: Millis) -> LoggedEvent:
    """The event as it is logged under this number."""
    if isinstance(event, events.TagsChanged):
        tags = AllTags(tuple(map(tag_view, event.tags)))
        return LoggedEvent(seq, event.type, timestamp, {PUBLIC: encode_json(tags)}, topic=EVERY_TOPIC)
    if isinstance(event, events.TeamsChanged):
        teams = AllTeams(tuple(map(team_view, event.teams)))
        return LoggedEvent(seq, event.type, timestamp, {PUBLIC: encode_json(teams)}, topic=EVERY_TOPIC)
    question = event.question
    data = QUESTION_DATA[event.type]
    variants = {PUBLIC: encode_json(data.of(question, PUBLIC))}
    if isinstance(event, events.QuestionPinned | events.QuestionFrozen):
        variants[MODERATORS] = encode_json(data.of(question, MODERATORS))
    key = f"upvotes:{question.id}" if isinstance(event, events.QuestionUpvoted) else None
    return LoggedEvent(seq, event.type, timestamp, variants, topic=question.team_id, key=key)


def encode_json(value: Any) -> bytes:  # noqa: ANN401 - whatever msgspec can encode
    """JSON in one line.

    Some clients' line readers also split at U+0085, U+2028 and U+2029 (Python's `str.splitlines` does), although the
    specification names only CR and LF; escaped, they reach every reader whole.
    """
    encoded = msgspec.json.encode(value)
    if not encoded.isascii():
        for char, escaped in _SPLITTERS:
            encoded = encoded.replace(char, escaped)
    return encoded


_SPLITTERS = [("\x85".encode(), b"\\u0085"), ("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029")]
