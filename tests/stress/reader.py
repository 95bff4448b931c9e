"""A client of the stress run: follows a room in a manner that chance decides, and notes what it is told."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.stress.caller import Away, Caller
from tests.stress.connection import Connection, Refused, asking, connect
from tests.stress.history import Life, View
from tests.stress.place import Place, list_room

if TYPE_CHECKING:
    from collections import Counter
    from random import Random

MANNERS = {"read": 8, "stop": 3, "trickle": 1, "close": 1, "reset": 1, "begin anew": 0.5}
"""What it does next, and how often."""
_ID = re.compile(rb"\nid: ([^\n]+)\Z")


@dataclass(frozen=True)
class Wish:
    """What a client asks for."""

    place: Place
    view: View
    snapshot: bool
    lists: bool
    """Lists the room before it follows."""
    gzip: bool
    small: bool
    """Has little room for what it has not read."""


class Reader:
    """One client. `lives` is what it was told: one life for each time that it began anew."""

    def __init__(self, port: int, wish: Wish, random: Random, tally: Counter[str], known: dict[bytes, bytes]) -> None:
        self.lives: list[Life] = []
        self._port = port
        self._wish = wish
        self._random = random
        self._tally = tally
        self._known = known  # one copy of each frame, however many are told
        self._connection: Connection | None = None
        self._last_id = ""
        self._news = asyncio.Event()

    async def live(self, over: asyncio.Event) -> None:
        """Come and go and read as it likes, until it is over; then read everything."""
        while not over.is_set():
            if self._is_connected or await self._comes():
                await self._spend_time(over)
        if self._connection is not None:
            self._connection.read()

    async def stays_to(self, seq: int) -> None:
        """Come back until it has been told this event."""
        while not self.lives or self._seq < seq:
            self._news.clear()
            if not self._is_connected:
                await self._comes()
            elif self._seq < seq:
                await self._hears()

    async def stays_to_the_end(self) -> None:
        """Until the server ends the stream."""
        if self._connection is not None:
            await self._connection.ended.wait()
            life = self.lives[-1]
            rest = self._connection.rest
            life.rest, life.complete = rest if self._connection.chunks.ended else b"no last chunk; " + rest, True

    @property
    def place(self) -> Place:
        """Where it listens."""
        return self._wish.place

    # ---- Coming and going ----------------------------------------------------------------------

    @property
    def _is_connected(self) -> bool:
        return self._connection is not None and not self._connection.ended.is_set()

    @property
    def _seq(self) -> int:
        return int(self._last_id.rpartition(".")[2] or 0)

    async def _comes(self) -> bool:
        """Try to connect, where it was if it was somewhere."""
        wish = self._wish
        query = {"tenantId": wish.place.slug}
        query |= {"events": ",".join(sorted(wish.view.types))} if wish.view.types else {}
        query |= {"team": wish.view.team_id} if wish.view.team_id else {}
        query |= {"snapshot": "1"} if wish.snapshot else {}
        try:
            if not self.lives:
                await self._begin()
            by_header = self._random.random() < 0.5
            if not by_header and self._last_id:
                query["lastEventId"] = self._last_id
            cookie = wish.place.moderator if wish.view.moderates else ""
            request = asking(
                urlencode(query), cookie=cookie, gzip=wish.gzip, last_event_id=self._last_id if by_header else ""
            )
            self._connection = await connect(self._port, request, self._take, small=wish.small)
        except (OSError, Refused, Away, TimeoutError):
            await asyncio.sleep(self._random.uniform(0.05, 0.3))
            return False
        self._tally["joins"] += 1
        return True

    async def _begin(self) -> None:
        life, last_id = Life(self._wish.view, self._wish.snapshot), ""
        if self._wish.lists:
            caller = Caller(self._port)
            try:
                listed = await list_room(caller, self._wish.place, self._wish.view)
            finally:
                caller.close()
            life.listed, life.listed_at, life.listed_until = listed.room, listed.position, listed.until
            last_id = listed.position
        self.lives.append(life)
        self._last_id = last_id

    async def _spend_time(self, over: asyncio.Event) -> None:
        assert self._connection is not None
        [manner] = self._random.choices(list(MANNERS), list(MANNERS.values()))
        seconds = self._random.uniform(0.2, 2.0)
        if manner == "read":
            self._connection.read()
        elif manner == "stop":
            self._tally["slow readers"] += 1
            self._connection.stop()
            seconds *= self._random.choice((1, 1, 3))
        elif manner == "trickle":
            self._tally["slow readers"] += 1
            self._connection.trickle(0.01)
        else:
            self._tally["drops"] += 1
            self._connection.close(reset=manner != "close")
            seconds *= 0.2
            if manner == "begin anew":
                await self._begin_anew()
        left = manner in {"close", "reset", "begin anew"}
        await self._until(*([] if left else [self._connection.ended]), over, seconds=seconds)

    async def _begin_anew(self) -> None:
        with suppress(Away):  # it goes on with the life it has
            await self._begin()

    async def _hears(self) -> None:
        assert self._connection is not None
        await self._until(self._news, self._connection.ended)

    async def _until(self, *events: asyncio.Event, seconds: float | None = None) -> None:
        """Wait for the first of them, for so long at most."""
        waiting = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _take(self, frames: list[bytes]) -> None:
        blocks = self.lives[-1].blocks
        for frame in frames:
            block = self._known.setdefault(frame, frame)
            blocks.append(block)
            if (found := _ID.search(block, max(0, len(block) - 100))) is not None:
                self._last_id = found[1].decode()
        self._tally["frames delivered"] += len(frames)
        self._news.set()
