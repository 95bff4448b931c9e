"""Who else serves this database, how many streams they have, and what time it is for all of them.

Each instance signs the roll every few seconds and reads what the others have signed. Who is alive is told by its
signing again, never by a time it wrote: instances need no common clock. They get one here, the database's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from pulsestage.domain.errors import Unavailable
from pulsestage.services.ports import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulsestage.domain.tenant import Millis
    from pulsestage.services.ports import Roll

log = logging.getLogger(__name__)

SILENT_READINGS = 4
"""Who has not signed between so many readings is not counted any more, …"""
DEAD_READINGS = 20
"""… and who has not between so many is taken from the roll."""


@dataclass(slots=True)
class _Other:
    beat: int
    facts: Facts
    silent: int = 0
    """Readings since it signed last."""


async def living(roll: Roll, wanted: Callable[[Facts], bool], seconds: float) -> list[Facts]:
    """The wanted instances that sign while they are watched, for as long as one needs to be taken for silent."""
    before = await roll.read()
    if not any(wanted(facts) for _, facts in before.values()):
        return []
    for _ in range(SILENT_READINGS):
        await asyncio.sleep(seconds)
        rows = await roll.read()
        signed = [facts for each, (beat, facts) in rows.items() if wanted(facts) and before.get(each) != (beat, facts)]
        if signed:
            return signed
    return []


class Census:
    """What this instance knows of the others. Without a roll, or before the first `count`, it knows of none.

    `about` is what this instance tells of itself, and `streams` and `holders` count its streams by tenant and by who
    holds them. Holders are told as hashes with `key`. `clock` is this machine's. An `only_process` only signs: its
    database can have no others.
    """

    def __init__(  # noqa: PLR0913 - a census without a roll needs the first alone
        self,
        clock: Callable[[], Millis],
        roll: Roll | None = None,
        *,
        instance_id: str = "",
        about: Facts | None = None,
        streams: Callable[[], Mapping[str, int]] = dict,
        holders: Callable[[], Mapping[str, int]] = dict,
        key: bytes = b"",
        seconds: float = 3.0,
        only_process: bool = False,
    ) -> None:
        self._clock = clock
        self._roll = roll
        self._id = instance_id
        self._about = about or Facts()
        self._count_streams = streams
        self._count_holders = holders
        self._key = hashlib.blake2b(key).digest()
        self._seconds = seconds
        self._only_process = only_process
        self._others: dict[str, _Other] = {}
        self._streams: Counter[str] = Counter()
        self._holders: Counter[str] = Counter()
        self._stated: set[tuple[str, str, str]] = set()
        self._ahead: Millis = 0
        self._failing = False

    @property
    def alone(self) -> bool:
        """Whether nobody else serves this database, as far as is known."""
        return not self._alive()

    @property
    def instances(self) -> int:
        """How many serve this database, this one included."""
        return 1 + len(self._alive())

    @property
    def disagreeing(self) -> int:
        """How many of the others have another version, secret or relay."""
        return sum(1 for other in self._alive() if _differences(self._about, other.facts))

    def streams(self, tenant_id: str) -> int:
        """Streams of a tenant at the other instances, some seconds ago."""
        return self._streams[tenant_id]

    def held_by(self, holder: str) -> int:
        """Streams of a holder at the other instances, some seconds ago, as far as they were worth telling."""
        return self._holders[self._hash(holder)]

    def now(self) -> Millis:
        """The time, the same for all instances: this machine's clock, set by the database's."""
        return self._clock() + self._ahead

    async def run(self) -> None:
        """Count every few seconds, and leave the roll when cancelled."""
        if self._roll is None:
            return
        try:
            if self._only_process:
                await asyncio.Event().wait()
            while True:
                await asyncio.sleep(self._seconds)
                try:
                    await self.count()
                except Unavailable as error:
                    if not self._failing:
                        log.warning("who else serves this database could not be read: %s", error)
                    self._failing = True
                except Exception:
                    log.exception("who else serves this database could not be read; trying again")
        finally:
            await self._leave(self._roll)

    async def count(self) -> None:
        """Sign, and read what the others signed. Raises Unavailable; what was known then stays."""
        if self._roll is None:
            return
        if self._only_process:
            await self._replace(self._roll)
            return
        await self._set_clock(self._roll)
        await self._roll.sign(self._id, self._facts())
        rows = await self._roll.read()
        self._failing = False
        self._take_in({instance_id: row for instance_id, row in rows.items() if instance_id != self._id})
        if dead := [instance_id for instance_id, other in self._others.items() if other.silent >= DEAD_READINGS]:
            await self._roll.strike(dead)

    async def _replace(self, roll: Roll) -> None:
        """Remove rows that a killed process left, then sign."""
        if left := await roll.read():
            await roll.strike(list(left))
        await roll.sign(self._id, self._facts())

    async def _set_clock(self, roll: Roll) -> None:
        before = self._clock()
        shared = await roll.now()
        after = self._clock()
        if shared is None or before <= shared <= after:
            self._ahead = 0  # no difference that could be told from the time the question took
        else:
            self._ahead = shared - (before + after) // 2

    def _take_in(self, rows: Mapping[str, tuple[int, Facts]]) -> None:
        known, self._others = self._others, {}
        for instance_id, (beat, facts) in rows.items():
            before = known.get(instance_id)
            silent = before.silent + 1 if before is not None and before.beat == beat else 0
            self._others[instance_id] = _Other(beat, facts, silent)
            if silent == 0:
                self._state_differences(instance_id, facts)
        self._streams, self._holders = Counter(), Counter()
        for other in self._alive():
            self._streams.update(other.facts.streams)
            self._holders.update(other.facts.holders)

    def _facts(self) -> Facts:
        holders = {self._hash(holder): count for holder, count in self._count_holders().items()}
        return msgspec.structs.replace(self._about, streams=dict(self._count_streams()), holders=holders)

    def _hash(self, holder: str) -> str:
        """Stands for an address or a person, who are nobody's business in the database."""
        return hashlib.blake2b(holder.encode(), key=self._key, digest_size=8).hexdigest()

    def _alive(self) -> list[_Other]:
        return [other for other in self._others.values() if other.silent < SILENT_READINGS]

    def _state_differences(self, instance_id: str, facts: Facts) -> None:
        """Say once what another instance has that this one has not."""
        for what in _differences(self._about, facts):
            stated = (instance_id, what, getattr(facts, what))
            if stated not in self._stated:
                self._stated.add(stated)
                log.warning("instance %s (version %s) %s", instance_id, facts.version, _WHAT_IT_MEANS[what])

    async def _leave(self, roll: Roll) -> None:
        try:
            await roll.strike([self._id])
        except Unavailable:
            log.info("the roll could not be left; the others will find out")


_WHAT_IT_MEANS = {
    "version": "has another version; that is safe, and should not last",
    "secret": "has another secret: who goes from one instance to the other is not recognised, and votes are counted "
    "twice; give all the same PULSESTAGE_SECRET_KEY",
    "relay": "has another relay or channel: each finds the other's changes only when it looks; give all the same "
    "PULSESTAGE_RELAY_URL and PULSESTAGE_RELAY_CHANNEL",
}


def _differences(mine: Facts, theirs: Facts) -> list[str]:
    return [what for what in _WHAT_IT_MEANS if getattr(mine, what) != getattr(theirs, what)]
