"""The chaos run: the stress run in a house of several instances, while everything in it breaks and is mended."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from tests.chaos.bad_line import BadLine
from tests.chaos.balancer import Balancer
from tests.chaos.delays import Delays, Spell, Watcher
from tests.chaos.faults import Faults
from tests.chaos.site import Site, quiet_ports
from tests.servers.postgres import running_postgres
from tests.servers.valkey import valkey_server
from tests.stress.crowd import DEEDS, Pace
from tests.stress.run import Stress

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.chaos.schedule import Step
    from tests.convergence.fold import Room
    from tests.stress.history import View
    from tests.stress.reader import Reader, Wish
    from tests.stress.run import Outcome

INSTANCES = 3
LAST_WORD = "last event unannounced"
"""In the end, after the schedule."""
WATCHERS = 10
"""Every so many-th client is always there."""
SETTINGS: dict[str, Any] = {
    "stall_seconds": 5,
    "heartbeat_seconds": 5,
    "max_streams_per_person": 1000,
    "database_pool": 5,
    "shutdown_seconds": 5,
}


class Chaos(Stress):
    """One run. `delays` is known when it is over."""

    slugs: tuple[str, ...] = ("acme", "widgets", "globex", "initech")
    hands = 1
    # Long speeches to hundreds of clients would be a test of this process.
    pace = Pace({deed: often for deed, often in DEEDS.items() if deed != "speech"}, longest_pause=0.3)
    settle_seconds = 60

    def __init__(self, site: Site, seed: int, clients: int, faults: Faults, steps: list[Step]) -> None:
        super().__init__(site, seed, clients)
        self.delays = Delays()
        self._faults = faults
        self._steps = steps

    def _make_reader(self, number: int, wish: Wish, random: Random) -> Reader:
        if number % WATCHERS:
            return super()._make_reader(number, wish, random)
        watcher = Watcher(self._port, wish, random, self._tally, self._known)
        watcher.delays = self.delays
        return watcher

    async def play(self) -> Outcome:
        """Let it all happen, and judge."""
        return await self.run(0)

    async def _trouble(self, _seconds: float) -> None:
        for step in self._steps:
            await asyncio.sleep(step.after)
            began = time.time() * 1000
            await self._faults.happen(step)
            self.delays.spells.append(Spell(step.kind, began, time.time() * 1000))
        await asyncio.sleep(self._steps[0].after)

    async def _look(self) -> dict[View, Room]:
        # What is announced in vain, and followed by nothing, is found by looking at the heads alone.
        began = time.time() * 1000
        with self._faults.silence():
            truths = await super()._look()
        self.delays.spells.append(Spell(LAST_WORD, began, time.time() * 1000))
        return truths

    async def _stop(self, how: signal.Signals) -> None:
        await self._venue.stop(how)


@asynccontextmanager
async def chaos(
    directory: Path, seed: int, clients: int, steps: list[Step], program: str = "pulsestage"
) -> AsyncIterator[Chaos]:
    """A house for one run."""
    random = Random(f"{seed} house")
    with running_postgres(durable=True) as postgres, postgres.database() as url, valkey_server() as valkey:
        tally: Counter[str] = Counter()
        line = BadLine(valkey.port, random, tally)
        [port] = quiet_ports(1)
        async with line.serving(port):
            relay = f"redis://127.0.0.1:{line.port}"
            site = Site(directory, INSTANCES, program, database_url=url, relay_url=relay, **SETTINGS)
            balancer = Balancer([each.port for each in site.instances], random)
            faults = Faults(site, balancer, line, valkey, postgres)
            run = Chaos(site, seed, clients, faults, steps)
            async with balancer.serving(site.port):
                yield run
            run.outcome.tally.update(tally)
