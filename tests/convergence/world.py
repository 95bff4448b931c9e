"""Two rooms on a real database behind a real hub, the people in them, and what they do.

The hub's clock is the test's. Announcements of commits can come late, in the wrong order or never, as those of another
process would.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from pulsestage.bootstrap import new_id
from pulsestage.domain.anonymity import Pseudonyms
from pulsestage.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from pulsestage.domain.policy import Actor, Role
from pulsestage.realtime import Hub, HubSettings, Position
from pulsestage.services import sessions, streams, tenants
from pulsestage.services.census import Census
from pulsestage.services.context import Context
from pulsestage.services.limits import Rate, RateLimits
from pulsestage.services.tokens import Session, Signer
from pulsestage.services.votes import VoteFolder
from pulsestage.storage import tables
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.event_log import SqlEventStore
from pulsestage.storage.unit_of_work import SqlUnitOfWork
from tests.convergence.commands import DEEDS, Choice, Command, pick
from tests.convergence.fold import Room
from tests.convergence.reader import Reader, Wish
from tests.realtime.support import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulsestage.domain.tenant import Tenant
    from pulsestage.realtime import Event
    from pulsestage.storage.database import Database

# So small that a few events are already too many for it.
SMALL = HubSettings(window_events=6, batch_bytes=600, parked_events=4, page_size=3, snapshot_concurrency=2)
GUESTS = 3
_times = itertools.count(1_696_765_800_000)
_numbers = itertools.count(100_000)  # of one length: how many bytes there are must not depend on what was before


@dataclass(eq=False)
class Place:
    """A tenant, its people, and all that ever happened there."""

    tenant: Tenant
    people: list[Actor] = field(default_factory=list)
    """Guests, then moderators; the last one is an admin."""
    questions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    team_of: dict[str, str | None] = field(default_factory=dict)
    log: dict[str, dict[int, Event]] = field(default_factory=lambda: defaultdict(dict))
    """Epoch -> number -> event, whatever became of its announcement."""
    person_secrets: set[str] = field(default_factory=set)

    @property
    def members(self) -> set[str]:
        """The ids of those with an account."""
        return {person.member_id for person in self.people if person.member_id is not None}

    @property
    def own_words(self) -> set[str]:
        """What can be read in this room alone."""
        return {self.tenant.id, self.tenant.slug, *self.questions, *self.tags, *self.teams}

    def newest_count(self, epoch: str, key: str) -> int:
        """The number of the newest event with this key."""
        return max(seq for seq, event in self.log[epoch].items() if event.key == key)


class World:
    """Open it, do things to it, close it: all on one event loop."""

    hub: Hub
    context: Context

    def __init__(self, database: Database) -> None:
        self.database = database
        self.places: list[Place] = []
        self.readers: list[Reader] = []
        self.has_forgotten = False
        """Whether anything was pruned or lost, so that a reset has a reason."""
        self.fates = itertools.cycle(("now",))
        """What becomes of the announcement of each commit."""
        self._late: list[tuple[str, str, Sequence[Event]]] = []
        self._clock = ManualClock()
        self._store = SqlEventStore(database)
        self._folding: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def open(self) -> None:
        """Start the hub, found the rooms, let the people in."""
        opened = asyncio.Event()
        self._life = asyncio.create_task(self._live(opened))
        await opened.wait()
        for name in ("left", "right"):
            slug = f"{name}-{next(_numbers)}"
            place = Place(await tenants.found(self.context, slug, f"The {slug} room"))
            self.places.append(place)
            place.people += [Actor(place.tenant.id, self.context.new_id(), Role.MEMBER) for _ in range(GUESTS)]
            for role in (Role.MODERATOR, Role.ADMIN):
                newcomer = Actor(place.tenant.id, self.context.new_id(), Role.MEMBER)
                link = sessions.make_link(self.context, place.tenant, role)
                member, _ = await sessions.sign_in(self.context, place.tenant, newcomer, link)
                place.people.append(member)
            for person in place.people:
                session = Session(place.tenant.id, person.person_id, person.member_id)
                place.person_secrets |= {person.person_id, self.context.signer.seal_session(session)}

    async def _live(self, opened: asyncio.Event) -> None:
        """Task groups want to end in the task they began in: this one."""
        async with (
            asyncio.TaskGroup() as tasks,
            Hub(self._store, SMALL, clock=self._clock, random=Random(1)) as self.hub,
        ):

            def fold(work: object) -> asyncio.Task[None]:
                task: asyncio.Task[None] = tasks.create_task(work)  # type: ignore[arg-type] # a coroutine it is
                self._folding.add(task)
                task.add_done_callback(self._folding.discard)
                return task

            clock = partial(next, _times)
            unit_of_work = SqlUnitOfWork(self.database, clock, self._announce)
            secret = b"a secret that is only for tests!"
            self.context = Context(
                unit_of_work=unit_of_work,
                directory=SqlDirectory(self.database),
                pseudonyms=Pseudonyms(secret),
                signer=Signer(secret),
                limits=RateLimits({"ask": Rate(0, 1), "vote": Rate(0, 1)}, self._clock.time),
                votes=VoteFolder(unit_of_work, fold, gather_seconds=0),
                census=Census(clock),
                clock=clock,
                new_id=partial(new_id, clock),
                pool_usage=self.database.pool_usage,
            )
            opened.set()
            await self._over.wait()

    async def close(self) -> None:
        """End the hub and remove the rooms, so that the database stays small."""
        self._over.set()
        await self._life
        async with self.database.write() as connection:
            await connection.execute(delete(tables.tenants))

    # ---- What happens --------------------------------------------------------------------------

    async def do(self, command: Command) -> None:
        """Let somebody do something; whether they may, the service knows."""
        place = self.places[command.place]
        with suppress(Conflict, InvalidInput, NotAllowed, NotFound):
            await DEEDS[command.kind](Choice(self.context, place, command))

    async def join(self, place: int, wish: Wish) -> Reader:
        """Somebody opens a stream."""
        room = self.places[place]
        team = None if wish.team is None else pick(room.teams, wish.team)
        reader = Reader(self, room, room.people[wish.who % len(room.people)], wish, team)
        self.readers.append(reader)
        await reader.connect()
        return reader

    async def prune(self, keep: int) -> None:
        """Forget all but the newest events."""
        self.has_forgotten = True
        await self._store.prune(0, keep_events=keep, keep_millis=0)

    async def lose_log(self, place: int) -> None:
        """The events are lost while the rooms are not, as after a restore: a new epoch begins."""
        self.has_forgotten = True
        tenant_id = self.places[place].tenant.id
        async with self.database.write() as connection:
            renew = update(tables.logs).where(tables.logs.c.tenant_id == tenant_id)
            await connection.execute(renew.values(epoch=f"e{next(_numbers)}", floor=tables.logs.c.head))
            await connection.execute(delete(tables.events).where(tables.events.c.tenant_id == tenant_id))

    async def settle(self) -> None:
        """Let all that is under way be done, and what came late or never be made up for."""
        await self._work()
        late, self._late = self._late, []
        for announcement in reversed(late):
            self.hub.append(*announcement)
        await self._clock.advance(0.2)
        await self._work()
        await self.hub.check()
        await self._clock.advance(0.2)
        await self._work()
        await self._clock.advance(0.2)

    async def check(self) -> None:
        """Everybody who can know the truth knows it."""
        truths: dict[tuple[object, ...], tuple[Position, Room]] = {}
        for reader in self.readers:
            await reader.take()
            if reader.up_to_date:
                key = (reader.place.tenant.id, reader.team_id, reader.actor.audiences)
                if key not in truths:
                    position, lists = await streams.take_snapshot(self.context, reader.actor, reader.team_id)
                    truths[key] = position, Room.listed(json.loads(lists))
                position, room = truths[key]
                reader.check(room, position)

    async def check_database(self) -> None:
        """The log has no gap, and the counts are those of the votes."""
        for place in self.places:
            [bounds] = (await self._store.bounds([place.tenant.id])).values()
            logged = await self._store.read(place.tenant.id, 0, 100_000)
            assert [event.seq for event in logged] == list(range(bounds.floor + 1, bounds.head + 1))
            asked, votes_ = tables.questions, tables.votes
            cast = select(func.count()).where(votes_.c.question_id == asked.c.id).scalar_subquery()
            counts = select(asked.c.upvotes, cast).where(asked.c.tenant_id == place.tenant.id)
            async with self.database.read() as connection:
                for count, number in await connection.execute(counts):
                    assert count == number

    def secrets_from(self, place: Place, actor: Actor) -> set[str]:
        """What this person must never be sent."""
        others = [other for other in self.places if other is not place]
        foreign = {word for other in others for word in (*other.own_words, *other.person_secrets, *other.members)}
        hidden = set() if "moderators" in actor.audiences else place.members
        return foreign | hidden | place.person_secrets

    # ---- Within --------------------------------------------------------------------------------

    def _announce(self, tenant_id: str, epoch: str, events: Sequence[Event]) -> None:
        place = next(place for place in self.places if place.tenant.id == tenant_id)
        for event in events:
            assert event.seq not in place.log[epoch], "a number twice"
            place.log[epoch][event.seq] = event
            if event.type == "question:created":
                self._note_question(place, json.loads(event.variants["public"]))
        fate = next(self.fates)
        if fate == "late":
            self._late.append((tenant_id, epoch, events))
        elif fate != "never":
            self.hub.append(tenant_id, epoch, events)

    def _note_question(self, place: Place, data: dict[str, str]) -> None:
        place.questions.append(data["id"])
        place.team_of[data["id"]] = data["teamId"]
        place.person_secrets |= {self.context.pseudonyms.of(person.person_id, data["id"]) for person in place.people}

    async def _work(self) -> None:
        """Wait for the hub's jobs and the votes; they never wait for the clock."""
        while working := {*self.hub._engine.jobs._running, *self._folding}:
            await asyncio.wait(working)
            await asyncio.sleep(0)
