"""What the use cases need from storage, as Protocols. `storage/` implements them on SQLAlchemy.

A transaction belongs to one tenant from its first statement to its last: no repository method takes a tenant, and none
can reach another tenant's rows. Rows are locked in one order, so that transactions can't deadlock: the tenant's
catalogue (tags and teams), then questions in the order of their ids, then, at the very end, the tenant's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
    from contextlib import AbstractAsyncContextManager

    from pulsestage.domain.events import Event
    from pulsestage.domain.member import Member
    from pulsestage.domain.question import Question, Status
    from pulsestage.domain.tag import Tag
    from pulsestage.domain.team import Team
    from pulsestage.domain.tenant import Millis, Tenant
    from pulsestage.realtime import Position

Sort = Literal["popular", "recent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionQuery:
    """Which page of a tenant's visible questions; `after` is the last row of the page before."""

    status: Status | None = None
    team_id: str | None = None
    tag_id: str | None = None
    sort: Sort = "popular"
    limit: int = 50
    after: PageKey | None = None


@dataclass(frozen=True, slots=True)
class PageKey:
    """A row's place in either order; with sort `recent` only the id counts."""

    is_pinned: bool
    upvotes: int
    question_id: str


def page_key(question: Question) -> PageKey:
    """The question's place."""
    return PageKey(question.pinned_at is not None, question.upvotes, question.id)


class Questions(Protocol):
    """The tenant's visible questions, each with its tags. In a write transaction what is read is locked."""

    async def get(self, question_id: str) -> Question:
        """Raises QuestionNotFound."""

    async def get_many(self, question_ids: Collection[str]) -> dict[str, Question]:
        """Those that exist, by id."""

    async def page(self, query: QuestionQuery) -> Sequence[Question]:
        """One page, in the order asked for."""

    async def search(self, query: QuestionQuery, terms: Sequence[str]) -> tuple[Sequence[Question], PageKey | None]:
        """One page of those in which each of these begins a term, and where the next page begins; None at the end.

        A page may be short, or empty, before the end: what one request may cost is bounded.
        """

    async def every(self, team_id: str | None, *, after: str = "") -> Sequence[Question]:
        """All of the tenant, or of one team, in the order of their ids: those that follow this id, some hundreds."""

    async def tagged_with(self, tag_id: str) -> Sequence[Question]:
        """All that carry the tag."""

    async def sharing_terms(self, terms: Collection[str], limit: int) -> Sequence[Question]:
        """Open questions with any of these terms, those with the most of them first; of common terms only new ones."""

    async def add(self, question: Question, terms: Collection[str]) -> None:
        """Store a new one, findable by its words."""

    async def save(self, question: Question) -> None:
        """Store all but the votes and the tags."""

    async def add_tag(self, question_id: str, tag_id: str) -> None:
        """Give it a tag it doesn't have."""

    async def remove_tag(self, question_id: str, tag_id: str) -> None:
        """Take a tag from it."""


class Votes(Protocol):
    """Who voted for what, as pseudonyms."""

    async def existing(self, votes: Collection[tuple[str, str]]) -> Set[tuple[str, str]]:
        """Which of these (question id, voter key) pairs are stored."""

    async def change(
        self, added: Collection[tuple[str, str]], removed: Collection[tuple[str, str]], counted: Iterable[Question]
    ) -> None:
        """Store and delete votes, and set the counts of these questions."""


class Tags(Protocol):
    """The tenant's tags. In a write transaction what is read is locked."""

    async def get(self, tag_id: str) -> Tag:
        """Raises TagNotFound."""

    async def every(self) -> tuple[Tag, ...]:
        """All of them, by name."""

    async def add(self, tag: Tag) -> None:
        """Raises NameTaken."""

    async def save(self, tag: Tag) -> None:
        """Raises NameTaken."""

    async def delete(self, tag_id: str) -> None:
        """Delete it, and take it from every question."""


class Teams(Protocol):
    """The tenant's teams. In a write transaction `get` locks what it reads against changes."""

    async def get(self, team_id: str) -> Team:
        """Raises TeamNotFound."""

    async def find(self, id_or_slug: str) -> Team:
        """Raises TeamNotFound."""

    async def every(self) -> tuple[Team, ...]:
        """All of them, active or not, by name."""

    async def add(self, team: Team) -> None:
        """Raises SlugTaken."""

    async def save(self, team: Team) -> None:
        """Raises SlugTaken."""


class Members(Protocol):
    """The tenant's accounts."""

    async def find(self, member_id: str) -> Member | None:
        """The member, or None."""

    async def add(self, member: Member) -> None:
        """Store a new one."""


class SpentTokens(Protocol):
    """Which one-time tokens of this tenant have been used."""

    async def spend(self, token_id: str, expires_at: Millis) -> bool:
        """Mark it used. False if it already was, also when two try at the same moment."""


class Transaction(Protocol):
    """One tenant's view of the database, within one transaction."""

    now: Millis
    questions: Questions
    votes: Votes
    tags: Tags
    teams: Teams
    members: Members
    spent_tokens: SpentTokens

    @property
    def position(self) -> Position:
        """In a read, where the log stands in this view. In a write, known after the commit: where this change is."""

    async def lock_catalog(self) -> None:
        """Be the only one to change tags and teams; needed before an event that lists them all."""

    def append(self, events: Iterable[Event]) -> None:
        """Let these events take the tenant's next numbers when the transaction commits."""


class UnitOfWork(Protocol):
    """Opens transactions. A write commits when its block ends well, and the engine hears of it after the commit.

    Both raise Unavailable when the database is locked, full or away; then nothing is changed.
    """

    def write(self, tenant_id: str) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that changes things."""

    def read(self, tenant_id: str) -> AbstractAsyncContextManager[Transaction]:
        """A consistent view of one moment, the log's position included."""


class Directory(Protocol):
    """The list of tenants: the one thing that is not inside a tenant."""

    async def find(self, slug: str) -> Tenant | None:
        """The tenant with this slug, or None."""

    async def every(self) -> Sequence[Tenant]:
        """All tenants, by slug."""

    async def add(self, tenant: Tenant) -> None:
        """Store a new tenant with an empty log. Raises SlugTaken."""

    async def begin_deletion(self, tenant: Tenant) -> None:
        """Let nobody find or change a tenant any more, and end its streams. Its slug is free at once."""

    async def finish_deletions(self, progress: Callable[[int], None]) -> None:
        """Delete what there is of tenants whose deletion has begun, also those of a run that was cut off.

        It is done in small steps; `progress` is told how many rows each one took.
        """

    async def check(self) -> None:
        """Raises Unavailable if the database doesn't answer."""

    @property
    def accepts_writes(self) -> bool:
        """Whether the database could write when it was last asked to."""


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """How many of this process's database connections for transactions are in use, and how many there may be."""

    in_use: int
    limit: int


class Facts(msgspec.Struct, frozen=True):
    """What an instance tells the others about itself. Members may be added, each with a default."""

    version: str = ""
    secret: str = ""
    """Tells whether two secrets are the same, and nothing else of them."""
    relay: str = ""
    """Tells whether two instances use the same kind of relay and the same channel."""
    streams: dict[str, int] = {}
    """Streams by tenant."""
    holders: dict[str, int] = {}
    """Streams of those who hold many, by a keyed hash of who it is."""
    address: str = ""
    """Where people reach it, without a slash at its end."""
    schema: str = "0003"
    """The newest schema revision it knows; versions that say none know this one."""


class Roll(Protocol):
    """The list of who serves this database. All raise Unavailable."""

    async def sign(self, instance_id: str, facts: Facts) -> None:
        """Say that this instance is alive, and what it has to tell."""

    async def read(self) -> Mapping[str, tuple[int, Facts]]:
        """How often each instance has signed, and what it told last, by its id."""

    async def strike(self, instance_ids: Collection[str]) -> None:
        """Take these from the list."""

    async def now(self) -> Millis | None:
        """The time by the clock that all instances share, or None if each has this machine's."""


class Leases(Protocol):
    """Which instance does a job for all of them. Expiry goes by the database's clock. Both raise Unavailable."""

    async def take(self, job: str, holder: str, *, seconds: float) -> bool:
        """Take the job's lease for so many seconds, or renew it; False if another holder has it."""

    async def give_back(self, job: str, holder: str) -> None:
        """End the lease if this holder has it."""


class Limits(Protocol):
    """How often one person may do something."""

    async def check(self, action: str, person_id: str) -> None:
        """Count one action of a person. Raises TooManyRequests when it comes too early, and then doesn't count it."""
