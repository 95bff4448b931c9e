"""What has happened, in the past tense: one frozen dataclass for each event type of the log.

An event carries the state after it. What of that state goes to which audience is decided where it is encoded
(`services/wire.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pulsestage.domain.question import Question
    from pulsestage.domain.tag import Tag
    from pulsestage.domain.team import Team


@dataclass(frozen=True, slots=True)
class QuestionEvent:
    """Something happened to one question."""

    type: ClassVar[str]
    question: Question


@dataclass(frozen=True, slots=True)
class QuestionCreated(QuestionEvent):
    """A question was asked."""

    type = "question:created"


@dataclass(frozen=True, slots=True)
class QuestionUpvoted(QuestionEvent):
    """Votes were given or taken back; the count is absolute."""

    type = "question:upvoted"


@dataclass(frozen=True, slots=True)
class QuestionAnswered(QuestionEvent):
    """A moderator answered, or changed the answer."""

    type = "question:answered"


@dataclass(frozen=True, slots=True)
class QuestionTagged(QuestionEvent):
    """A tag was added, or one that it has was renamed."""

    type = "question:tagged"


@dataclass(frozen=True, slots=True)
class QuestionUntagged(QuestionEvent):
    """A tag was taken away."""

    type = "question:untagged"


@dataclass(frozen=True, slots=True)
class QuestionPinned(QuestionEvent):
    """The pin was set or taken away."""

    type = "question:pinned"


@dataclass(frozen=True, slots=True)
class QuestionFrozen(QuestionEvent):
    """The question was frozen or unfrozen."""

    type = "question:frozen"


@dataclass(frozen=True, slots=True)
class QuestionRemoved(QuestionEvent):
    """The question is gone for its audience."""

    type = "question:removed"


@dataclass(frozen=True, slots=True)
class TagsChanged:
    """The tenant's tags are now these."""

    type: ClassVar[str] = "tags:changed"
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class TeamsChanged:
    """The tenant's teams are now these."""

    type: ClassVar[str] = "teams:changed"
    teams: tuple[Team, ...]


Event = QuestionEvent | TagsChanged | TeamsChanged

EVENT_TYPES: tuple[str, ...] = (
    QuestionCreated.type,
    QuestionUpvoted.type,
    QuestionAnswered.type,
    QuestionTagged.type,
    QuestionUntagged.type,
    QuestionPinned.type,
    QuestionFrozen.type,
    QuestionRemoved.type,
    TagsChanged.type,
    TeamsChanged.type,
)
