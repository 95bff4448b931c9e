"""The third promise: snapshot + the events after it = a fresh snapshot, for every client, whatever happens.

Through the use cases, the database and the hub; only the sockets are missing, which `live/` has. The engine alone goes
through worse in `realtime/test_convergence.py`.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from tests.convergence.commands import DEEDS, FREQUENT, Command
from tests.convergence.fold import TYPES
from tests.convergence.reader import Reader, Wish
from tests.convergence.world import GUESTS, World

QUICK = {"max_examples": 25, "stateful_step_count": 14}
THOROUGH = {"max_examples": 1500, "stateful_step_count": 50}
MOST_READERS = 10


@dataclass(frozen=True)
class Disturbance:
    """Something that happens to a stream while people do things, so many turns of the event loop later."""

    kind: str
    reader: int
    turns: int
    size: int

    async def happen(self, reader: Reader) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.kind == "lose connection":
            reader.lose_connection(self.size)
        elif self.kind == "come back" and reader.away:
            await reader.take()
            await reader.connect()
        elif self.kind == "slow down":
            reader.sink.stop(self.size + 1)
        elif self.kind == "read on":
            reader.sink.drain(self.size or None)


SOME_TYPES = (
    frozenset({"question:created", "question:removed"}),
    frozenset({"question:created", "question:upvoted", "tags:changed"}),
    frozenset({"question:tagged", "question:untagged", "question:pinned"}),
    frozenset(TYPES) - {"question:created", "question:frozen"},
)
small = st.integers(0, 4)
places = st.integers(0, 1)
commands = st.builds(Command, st.sampled_from((*FREQUENT, *DEEDS)), places, small, small, small)
disturbances = st.builds(
    Disturbance,
    st.sampled_from(("lose connection", "come back", "come back", "slow down", "read on")),
    st.integers(0, MOST_READERS - 1),
    st.integers(0, 30),
    st.integers(0, 2),
)
wishes = st.builds(
    Wish,
    st.integers(0, GUESTS + 1),
    st.sampled_from((None, None, 0, 1)),
    st.sampled_from((None, None, *SOME_TYPES)),
    st.booleans(),
    st.sampled_from(("identity", "gzip")),
)
troubles = st.sampled_from(("announce", "announce", "prune", "prune", "lose log"))
fates = st.lists(st.sampled_from(("now", "now", "late", "never")), min_size=1, max_size=4)


class TwoRooms(RuleBasedStateMachine):
    """People do things in two rooms, others look on, and much goes wrong."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.world = World(database)
        self.run(self.world.open())

    @initialize(who=st.lists(wishes, min_size=3, max_size=7), teams=places)
    def begin(self, who: list[Wish], teams: int) -> None:
        """Rooms in which something has happened, and people who look."""
        kinds = ("create team",) * (teams + 1) + ("create tag", "ask", "ask", "vote")
        self.run(self._begin(who, [Command(kind, place, 4, 0, 0) for kind in kinds for place in (0, 1)]))

    async def _begin(self, who: list[Wish], first: list[Command]) -> None:
        for command in first:
            await self.world.do(command)
        for number, wish in enumerate(who):
            await self.world.join(number % 2, wish)

    @rule(done=st.lists(commands, min_size=8, max_size=20), disturbed=st.lists(disturbances, min_size=1, max_size=6))
    def act(self, done: list[Command], disturbed: list[Disturbance]) -> None:
        """People do things at the same time, while streams come and go."""
        self.run(self._act(done, disturbed))

    async def _act(self, done: list[Command], disturbed: list[Disturbance]) -> None:
        readers = self.world.readers
        one_each = {each.reader % len(readers): each for each in disturbed} if readers else {}
        async with asyncio.TaskGroup() as tasks:
            for command in done:
                tasks.create_task(self.world.do(command))
            for number, disturbance in one_each.items():
                tasks.create_task(disturbance.happen(readers[number]))

    @rule(place=places, question=small, ups=st.lists(st.tuples(small, st.booleans()), min_size=6, max_size=16))
    def rush(self, place: int, question: int, ups: list[tuple[int, bool]]) -> None:
        """Votes for one question in turn, each an event of its own."""
        self.run(self._rush([Command("vote" if up else "take back", place, who, question, 0) for who, up in ups]))

    async def _rush(self, ballots: list[Command]) -> None:
        for ballot in ballots:
            await self.world.do(ballot)

    @rule(place=places, wish=wishes)
    def join(self, place: int, wish: Wish) -> None:
        """Somebody new looks on."""
        if len(self.world.readers) < MOST_READERS:
            self.run(self.world.join(place, wish))

    @rule(trouble=troubles, place=places, keep=st.integers(0, 9), fates=fates)
    def suffer(self, trouble: str, place: int, keep: int, fates: list[str]) -> None:
        """Something happens to announcements, or to the log."""
        if trouble == "prune":
            self.run(self.world.prune(keep))
        elif trouble == "lose log":
            self.run(self.world.lose_log(place))
        else:
            self.world.fates = cycle(fates)

    @invariant()
    def everybody_knows_the_truth(self) -> None:
        """But for those who are away or slow: they know it later."""
        self.run(self._check())

    async def _check(self) -> None:
        await self.world.settle()
        await self.world.check()

    def teardown(self) -> None:
        """In the end all come back, read on, and know the truth."""
        try:
            self.run(self._end())
        finally:
            self.run(self.world.close())

    async def _end(self) -> None:
        for reader in self.world.readers:
            await reader.take()
            if reader.away:
                await reader.connect()
            reader.sink.drain()
        await self._check()
        for reader in self.world.readers:
            assert reader.up_to_date
            reader.sink.vanish()
        await self.world.settle()
        await self.world.check_database()
        assert self.world.hub.stats().connections == {}


@pytest.mark.timeout(3600)
def test_every_stream_tells_the_truth(database_url: str) -> None:
    thorough = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
    chosen: dict[str, Any] = THOROUGH if thorough else QUICK
    with asyncio.Runner() as runner:
        database = Database(database_url)
        try:
            runner.run(upgrade(database))

            class TwoRoomsHere(TwoRooms):
                def __init__(self) -> None:
                    super().__init__(runner, database)

            run_state_machine_as_test(
                TwoRoomsHere,
                settings=settings(**chosen, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]),
            )
        finally:
            runner.run(database.close())
