"""One real frame of every type, for the documents: made by the functions that make those of streams.

A short story of one room, in the order of its log. No JSON is written down here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulsestage.domain import events, question
from pulsestage.domain.policy import PUBLIC
from pulsestage.domain.tag import Tag
from pulsestage.domain.team import Team
from pulsestage.realtime import UNKNOWN_POSITION, Position, frames
from pulsestage.services import wire
from pulsestage.services.views import SnapshotView, question_view, tag_view, team_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulsestage.domain.tenant import Millis

_EPOCH = "7f3a90c1"
_RETRY = 2410
_GREETING = {"tenantSlug": "acme", "heartbeatSeconds": 30.0}
_START = 1_772_442_900_000
_TENANT, _MEMBER, _QUESTION = (f"0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5{digit}" for digit in "012")
_TEAM = Team(f"{_QUESTION[:-1]}3", _TENANT, "Engineering", "engineering", None, is_active=True, created_at=_START)
_TAG = Tag(f"{_QUESTION[:-1]}4", _TENANT, "Strategy", "#3B82F6", None, _START)


def every_type() -> dict[str, bytes]:
    """A frame for each type, as everybody is sent it."""
    life = _life_of_a_question()
    happened: list[events.Event] = [events.TeamsChanged((_TEAM,)), events.TagsChanged((_TAG,)), *life]
    seq = len(happened) - 1  # before the last: it is gone after that
    now = _START + 1000 * seq
    seen = question_view(life[-2].question, has_upvoted=True, is_mine=False, moderates=False)
    snapshot = wire.encode_json(SnapshotView((seen,), (tag_view(_TAG),), (team_view(_TEAM),)))
    made = {
        "connected": frames.connected(Position(_EPOCH, 0), _TENANT, _GREETING, now, _RETRY),
        "snapshot": frames.snapshot(Position(_EPOCH, seq), _TENANT, snapshot, now),
        "heartbeat": frames.heartbeat(_TENANT, now),
        "reset": frames.reset(_TENANT, UNKNOWN_POSITION, now),
        "goodbye": frames.goodbye(_TENANT, "shutdown", now, _RETRY),
    }
    for number, event in enumerate(happened, 1):
        logged = wire.encode(event, number, _START + 1000 * number)
        made[event.type] = frames.logged(_EPOCH, _TENANT, logged)[PUBLIC]
    return made


def _life_of_a_question() -> list[events.QuestionEvent]:
    """All that can happen to one, a second after the other."""
    asked, (created,) = question.ask(_QUESTION, _TENANT, _TEAM.id, "When does the new office open?", "", _START + 3000)
    asked = replace(asked, upvotes=15)
    happened = [created, events.QuestionUpvoted(asked)]
    for seconds, step in enumerate(_STEPS, 5):
        asked, told = step(asked, _START + 1000 * seconds)
        happened += told
    return happened


_STEPS: tuple[Callable[[question.Question, Millis], question.Change], ...] = (
    lambda asked, now: question.tag(asked, _TAG, now),
    lambda asked, now: question.untag(asked, _TAG, now),
    lambda asked, now: question.pin(asked, _MEMBER, now),
    lambda asked, now: question.answer(asked, "In May, if the lifts are ready.", now),
    lambda asked, now: question.freeze(asked, _MEMBER, now),
    question.remove,
)
