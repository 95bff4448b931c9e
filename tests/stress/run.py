"""The stress run: a real server, people who act, clients who come and go, restarts; and in the end the judge.

All choices come from the seed. What the machine makes of them (which request is first, how far a client has read when
its connection breaks) does not, so two runs of one seed are alike and not the same.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TYPE_CHECKING

from pulsestage.domain.policy import Role
from pulsestage.storage.event_log import SqlEventStore
from tests.convergence.fold import TYPES, Room
from tests.live.venue import Venue
from tests.stress.caller import Caller
from tests.stress.checker import FAULTS, Findings, Log, check
from tests.stress.crowd import Hand, Pace
from tests.stress.history import View
from tests.stress.place import Place, list_room
from tests.stress.reader import Reader, Wish

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.site import Site

SLUGS = ("acme", "widgets", "globex")
GUESTS = 60
HANDS = 3
"""Connections per room through which people act."""
RESTART_SECONDS = 8
SETTLE_SECONDS = 30
"""How long the clients may take to know everything once people have stopped; only a stuck run needs as long."""
SETTINGS = {
    "stall_seconds": 2,
    "heartbeat_seconds": 1.5,
    "window_events": 300,
    "safety_seconds": 1,
    "max_streams_per_person": 1000,
}
LAST = frozenset({"tags:changed"})
"""Everybody wants these, so that everybody knows when all was said."""
SOME_TYPES = (
    frozenset({"question:created", "question:removed"}) | LAST,
    frozenset({"question:created", "question:upvoted"}) | LAST,
    frozenset(TYPES) - {"question:created", "question:frozen"},
)
COUNTED = ("stalls", "resets", "conflated_frames", "catch_ups")
"""What the server counted, of those of its numbers that say how hard the run was."""
_METRIC = re.compile(r"^pulsestage_stream_(\w+)_total(?:{.*})? (\S+)$", re.MULTILINE)


@dataclass
class Outcome:
    """What happened, and what was wrong."""

    seed: int
    tally: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)

    @property
    def is_good(self) -> bool:
        """Nothing wrong at all."""
        return not self.findings.counts

    def rows(self) -> list[tuple[str, int]]:
        """For the table."""
        told = ("joins", "drops", "restarts", "requests answered", "floods", "events committed", "frames delivered")
        hard = ("slow readers", "stalls", "conflated_frames", "catch_ups")
        return [
            *((name, self.tally[name]) for name in told),
            *((name, self.findings.counts[name]) for name in FAULTS),
            *((name.replace("_", " "), self.tally[name]) for name in hard),
        ]


class Stress:
    """One run. Others may be made of it: in another house, of another size, with other trouble."""

    slugs: tuple[str, ...] = SLUGS
    hands = HANDS
    pace = Pace()
    settle_seconds = SETTLE_SECONDS

    def __init__(self, venue: Venue | Site, seed: int, clients: int) -> None:
        self.outcome = Outcome(seed)
        self._tally = self.outcome.tally
        self._venue = venue
        self._port = venue.port
        self._clients = clients
        self._places: list[Place] = []
        self._readers: list[Reader] = []
        self._known: dict[bytes, bytes] = {}

    async def run(self, seconds: float) -> Outcome:
        """Everything, the judgement included."""
        await self._venue.found(**{slug: slug for slug in self.slugs})
        try:
            await self._venue.start()
            self._places = [await self._furnish(slug) for slug in self.slugs]
            self._readers = [self._reader(number) for number in range(self._clients)]
            await self._let_live(seconds)
            truths = await self._look()
            async with asyncio.TaskGroup() as tasks:
                for reader in self._readers:
                    tasks.create_task(reader.stays_to_the_end())
                await self._stop(signal.SIGTERM)
        finally:
            await self._venue.stop(signal.SIGKILL)
        for place in self._places:
            log = await self._read_log(place)
            self._tally["events committed"] += log.head
            for reader in self._readers:
                for life in reader.lives:
                    if life.view.tenant_id == place.tenant_id:
                        check(life, log, truths, self.outcome.findings)
        return self.outcome

    # ---- Who is there --------------------------------------------------------------------------

    async def _furnish(self, slug: str) -> Place:
        venue, random = self._venue, self._random(slug)
        place = Place(slug, venue.rooms[slug].id)
        for number in range(GUESTS):
            [(name, value)] = venue.cookie(slug, f"{slug} {number}").items()
            place.guests.append(f"{name}={value}")
        caller = Caller(self._port)
        token = venue.link(slug, Role.ADMIN).partition("#signin=")[2]
        signed_in = await caller.request("POST", place.path("/session"), body={"token": token})
        place.moderator = signed_in.headers["set-cookie"].partition(";")[0]
        for path, made in (("/teams", place.teams), ("/tags", place.tags)):
            for name in ("one", "two"):
                body = {"name": name, "slug": name} if path == "/teams" else {"name": name}
                answer = await caller.request("POST", place.path(path), cookie=place.moderator, body=body)
                made.append(answer.json["id"])
        caller.close()
        hand = Hand(self._port, place, random, self._tally)
        for _ in range(10):
            await hand.ask()
        hand.leave()
        return place

    def _reader(self, number: int) -> Reader:
        random = self._random("reader", number)
        hall, *others = self._places
        place = hall if number % 5 < 3 else others[number % len(others)]  # more than are written in one slice
        view = View(
            place.tenant_id,
            moderates=random.random() < 0.2,
            types=random.choice((None, None, None, *SOME_TYPES)),
            team_id=random.choice((None, None, *place.teams)),
        )
        start = random.choice(("snapshot", "snapshot", "list", "nothing"))
        wish = Wish(
            place,
            view,
            snapshot=start == "snapshot",
            lists=start == "list",
            gzip=random.random() < 0.4,
            small=random.random() < 0.4,
        )
        return self._make_reader(number, wish, random)

    def _make_reader(self, _number: int, wish: Wish, random: Random) -> Reader:
        return Reader(self._port, wish, random, self._tally, self._known)

    def _random(self, *who: object) -> Random:
        return Random(f"{self.outcome.seed} {who}")

    # ---- What happens --------------------------------------------------------------------------

    async def _let_live(self, seconds: float) -> None:
        over, quiet = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as clients:
            for reader in self._readers:
                clients.create_task(reader.live(over))
            async with asyncio.TaskGroup() as people:
                for place in self._places:
                    for number in range(self.hands):
                        hand = Hand(self._port, place, self._random(place.slug, number), self._tally, self.pace)
                        people.create_task(hand.act(quiet))
                await self._trouble(seconds)
                quiet.set()
            over.set()

    async def _trouble(self, seconds: float) -> None:
        """Restart the server now and then."""
        spells = max(3, round(seconds / RESTART_SECONDS))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for spell in range(1, spells + 1):
            await asyncio.sleep(max(0.0, begun + seconds * spell / spells - loop.time()))
            if spell < spells:
                await self._stop(signal.SIGTERM if spell % 2 else signal.SIGKILL)
                await self._venue.start()
                self._tally["restarts"] += 1

    async def _stop(self, how: signal.Signals) -> None:
        caller = Caller(self._port)
        metrics = await caller.request("GET", "/metrics")
        caller.close()
        for name, value in _METRIC.findall(metrics.content.decode()):
            if name in COUNTED:
                self._tally[name] += int(float(value))
        await self._venue.stop(how)

    async def _look(self) -> dict[View, Room]:
        """Let everybody learn of a last event, and see what the rooms are then."""
        truths: dict[View, Room] = {}
        last: dict[Place, int] = {}
        for place in self._places:
            caller = Caller(self._port)
            body = {"name": "the end"}
            answer = await caller.request("POST", place.path("/tags"), cookie=place.moderator, body=body)
            last[place] = int(answer.position.rpartition(".")[2])
            for team, moderates in product((None, *place.teams), (False, True)):
                view = View(place.tenant_id, moderates=moderates, team_id=team)
                listed = await list_room(caller, place, view)
                assert listed.position == listed.until == answer.position, "something happened after the end"
                truths[view] = listed.room
            caller.close()
        await self._settle(last, self._readers)
        # Only now, since a server that lags learns from them how far the log is.
        fresh = [self._fresh(place, team) for place in self._places for team in (None, *place.teams)]
        self._readers += fresh
        await self._settle(last, fresh)
        return truths

    def _fresh(self, place: Place, team: str | None) -> Reader:
        view = View(place.tenant_id, team_id=team)
        wish = Wish(place, view, snapshot=True, lists=False, gzip=False, small=False)
        return Reader(self._port, wish, self._random(view), self._tally, self._known)

    async def _settle(self, last: dict[Place, int], readers: list[Reader]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for place, seq in last.items():
                tasks.create_task(self._settle_place(place, seq, [each for each in readers if each.place is place]))

    async def _settle_place(self, place: Place, seq: int, readers: list[Reader]) -> None:
        try:
            async with asyncio.timeout(self.settle_seconds), asyncio.TaskGroup() as tasks:
                for reader in readers:
                    tasks.create_task(reader.stays_to(seq))
        except TimeoutError:
            self.outcome.findings.note("lost", f"the end, which somebody in {place.slug} never heard of")

    async def _read_log(self, place: Place) -> Log:
        async with self._venue.opened() as database:
            store = SqlEventStore(database)
            [bounds] = (await store.bounds([place.tenant_id])).values()
            events = await store.read(place.tenant_id, 0, 1_000_000)
        assert [event.seq for event in events] == list(range(1, bounds.head + 1)), "the log has a gap"
        return Log(bounds.epoch, events)


def stress(directory: Path, seed: int, clients: int) -> Stress:
    """The run of one server."""
    return Stress(Venue(directory, **SETTINGS), seed, clients)
