"""From a domain event to what the log stores and streams send: the event's data, once for each audience.

`public` is everybody; `moderators` is present only where moderators see more. One struct per event type is the
contract of its `data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from pulsestage.domain import events
from pulsestage.domain.policy import MODERATORS, PUBLIC
from pulsestage.realtime import EVERY_TOPIC
from pulsestage.realtime import Event as LoggedEvent
from pulsestage.services.views import (
    Id,
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
    from collections.abc import Callable

    from pulsestage.domain.question import Question
    from pulsestage.domain.tenant import Millis


class Created(Struct, frozen=True, rename="camel"):
    """`question:created`."""

    id: Id
    question_id: Id
    body: str
    upvotes: int
    status: str
    team_id: Id | None
    created_at: Time


class Upvoted(Struct, frozen=True, rename="camel"):
    """`question:upvoted`; the count is absolute."""

    id: Id
    question_id: Id
    upvotes: int


class Answered(Struct, frozen=True, rename="camel"):
    """`question:answered`."""

    id: Id
    question_id: Id
    response_text: str
    responded_at: Time
    updated_at: Time
    status: Literal["ANSWERED"] = "ANSWERED"


class TagsOfQuestion(Struct, frozen=True, rename="camel"):
    """`question:tagged` and `question:untagged`: all the tags the question has now."""

    id: Id
    question_id: Id
    tags: tuple[TagRef, ...]
    updated_at: Time


class Pinned(Struct, frozen=True, rename="camel"):
    """`question:pinned`; `pinnedBy` is null for all but moderators."""

    id: Id
    question_id: Id
    is_pinned: bool
    pinned_by: Id | None
    pinned_at: Time | None
    updated_at: Time


class Frozen(Struct, frozen=True, rename="camel"):
    """`question:frozen`; `frozenBy` is null for all but moderators."""

    id: Id
    question_id: Id
    is_frozen: bool
    frozen_by: Id | None
    frozen_at: Time | None
    updated_at: Time


class Removed(Struct, frozen=True, rename="camel"):
    """`question:removed`."""

    id: Id
    question_id: Id


class AllTags(Struct, frozen=True, rename="camel"):
    """`tags:changed`."""

    tags: tuple[TagView, ...]


class AllTeams(Struct, frozen=True, rename="camel"):
    """`teams:changed`."""

    teams: tuple[TeamView, ...]


def encode(event: events.Event, seq: int, timestamp: Millis) -> LoggedEvent:
    """The event as it is logged under this number."""
    if isinstance(event, events.TagsChanged):
        tags = AllTags(tuple(map(tag_view, event.tags)))
        return LoggedEvent(seq, event.type, timestamp, {PUBLIC: encode_json(tags)}, topic=EVERY_TOPIC)
    if isinstance(event, events.TeamsChanged):
        teams = AllTeams(tuple(map(team_view, event.teams)))
        return LoggedEvent(seq, event.type, timestamp, {PUBLIC: encode_json(teams)}, topic=EVERY_TOPIC)
    question = event.question
    data = _DATA[event.type]
    variants = {PUBLIC: encode_json(data(question, PUBLIC))}
    if isinstance(event, events.QuestionPinned | events.QuestionFrozen):
        variants[MODERATORS] = encode_json(data(question, MODERATORS))
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


def _created(q: Question, _audience: str) -> Created:
    return Created(q.id, q.id, q.body, q.upvotes, q.status.value, q.team_id, iso(q.created_at))


def _upvoted(q: Question, _audience: str) -> Upvoted:
    return Upvoted(q.id, q.id, q.upvotes)


def _answered(q: Question, _audience: str) -> Answered:
    return Answered(q.id, q.id, q.response_text or "", iso(q.responded_at or 0), iso(q.updated_at))


def _tags(q: Question, _audience: str) -> TagsOfQuestion:
    return TagsOfQuestion(q.id, q.id, tag_refs(q), iso(q.updated_at))


def _pinned(q: Question, audience: str) -> Pinned:
    by = q.pinned_by if audience == MODERATORS else None
    return Pinned(q.id, q.id, q.pinned_at is not None, by, iso_or_none(q.pinned_at), iso(q.updated_at))


def _frozen(q: Question, audience: str) -> Frozen:
    by = q.frozen_by if audience == MODERATORS else None
    return Frozen(q.id, q.id, q.frozen_at is not None, by, iso_or_none(q.frozen_at), iso(q.updated_at))


def _removed(q: Question, _audience: str) -> Removed:
    return Removed(q.id, q.id)


_DATA: dict[str, Callable[[Question, str], Struct]] = {
    events.QuestionCreated.type: _created,
    events.QuestionUpvoted.type: _upvoted,
    events.QuestionAnswered.type: _answered,
    events.QuestionTagged.type: _tags,
    events.QuestionUntagged.type: _tags,
    events.QuestionPinned.type: _pinned,
    events.QuestionFrozen.type: _frozen,
    events.QuestionRemoved.type: _removed,
}
