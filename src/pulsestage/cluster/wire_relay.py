"""What all relays over a broker do: hold one wire to it, say whether that works, and come back when it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Final, NoReturn, Protocol, TypeAlias

from pulsestage.cluster.outbox import Outbox
from pulsestage.cluster.seal import SEAL_BYTES, Seal
from pulsestage.cluster.trouble import BrokerTrouble
from pulsestage.realtime import Announcement, Receiver, RelayStats

GREETING_SECONDS: Final = 1.0
"""Time between two greetings, by which a relay finds out that it is heard."""
SILENCE_SECONDS: Final = 3.0
"""After so long without an answer, or an echo, the broker is taken for dead."""
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 3.0
STEADY_SECONDS: Final = 1.0
"""A wire that held so long was a good one: what follows begins with the shortest pause."""

GREETING: Final = b""
"""A message without an announcement; only its sender learns from it."""

logger = logging.getLogger(__name__)


class Wire(Protocol):
    """One connection to a broker, which listens already. Everything raises BrokerTrouble when it is lost."""

    unheard: str
    """What to say if it takes messages and none comes back."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Publish these, in order. Returns when more can be sent."""

    async def listen(self) -> NoReturn:
        """Hand out what comes in, until the wire is lost."""


Dial: TypeAlias = Callable[[Callable[[bytes], None]], AbstractAsyncContextManager[Wire]]
"""Makes a wire that gives what comes in to this function. Raises BrokerTrouble."""


class WireRelay:
    """A `Relay` over whatever can be dialled. Its messages are sealed, and its own echoes are dropped unread.

    It is healthy from the moment that a greeting has come back to it, and as long as one does every second: then it
    hears, and it is heard. A broker that takes messages and delivers none (a user who may not publish any more, a
    pooler between us and PostgreSQL) is found out so.
    """

    def __init__(self, dial: Dial, *, name: str, secret: bytes, limit: int) -> None:
        self.trouble: str | None = "It is not listening."
        """Why it is not healthy now, in a short sentence without a password."""
        self._dial = dial
        self._name = name
        self._limit = limit - SEAL_BYTES
        self._seal = Seal(secret)
        self._outbox = Outbox()
        self._receiver: Receiver | None = None
        self._echoed = asyncio.Event()
        self._stats = RelayStats()
        self._connected_before = False

    @asynccontextmanager
    async def listening(self, on_announcement: Callable[[Announcement], None]) -> AsyncIterator[None]:
        """Be connected, or try to be, while the block lasts."""
        self._receiver = Receiver(on_announcement, self._stats)
        self._connected_before = False
        self.trouble = f"Still connecting to {self._name}."
        tasks = asyncio.TaskGroup()
        await tasks.__aenter__()
        keeping = tasks.create_task(self._keep_connected())
        try:
            yield
        finally:
            self._receiver = None
            self.trouble = "It is not listening."
            keeping.cancel()
            # The block's own error is not the group's: it goes on as it is, not as a group of one.
            await tasks.__aexit__(None, None, None)

    def announce(self, announcement: Announcement) -> None:
        """Put it into the outbox; without its events if they are more than the broker carries."""
        self._stats.announced += 1
        if not self.healthy:
            self._stats.dropped += 1
            return
        try:
            data = announcement.encode(self._limit)
        except ValueError:
            logger.exception("An announcement for tenant %r could not be encoded", announcement.tenant)
            self._stats.dropped += 1
            return
        self._stats.dropped += self._outbox.put(self._seal.close(data))

    @property
    def healthy(self) -> bool:
        """Whether it listens, and what it says arrives, as far as is known."""
        return self.trouble is None

    def stats(self) -> RelayStats:
        """What was counted, as of now."""
        return replace(self._stats)

    # ---- The wire ------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        pause, logged = FIRST_PAUSE_SECONDS, False
        time = asyncio.get_running_loop().time
        while self._receiver is not None:  # should a library have swallowed that it was cancelled
            began = time()
            trouble = await self._hold_wire()
            if self.healthy:
                logged = False
                if time() - began > STEADY_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
            self.trouble = trouble
            self._stats.dropped += self._outbox.clear()
            if not logged:  # once per spell, not per attempt
                logger.warning("The relay is out; changes of other processes are seen later: %s", trouble)
                logged = True
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - only not all at once
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _hold_wire(self) -> str:
        """Dial, and use the wire until it is lost; return why."""
        why: BaseException
        try:
            async with self._dial(self._take_in) as wire, asyncio.TaskGroup() as tasks:
                tasks.create_task(wire.listen())
                await self._greet(wire)
                self._connected()
                time = asyncio.get_running_loop().time
                due = time() + GREETING_SECONDS
                while True:
                    if messages := await self._outbox.take(max(0, due - time())):
                        await wire.send(messages)
                    if time() >= due:
                        await self._greet(wire)
                        due = time() + GREETING_SECONDS
        except* BrokerTrouble as troubles:
            why = troubles
        except* Exception as errors:
            why = errors
            logger.exception("The relay's connection failed in an unforeseen way")
        while isinstance(why, BaseExceptionGroup):
            why = why.exceptions[0]
        return str(why)

    async def _greet(self, wire: Wire) -> None:
        self._echoed.clear()
        await wire.send([self._seal.close(GREETING)])
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._echoed.wait()
        except TimeoutError:
            raise BrokerTrouble(wire.unheard) from None

    def _connected(self) -> None:
        self.trouble = None
        self._stats.reconnects += self._connected_before
        logger.info("The relay is connected%s: %s", " again" if self._connected_before else "", self._name)
        self._connected_before = True

    def _take_in(self, message: bytes) -> None:
        if self._receiver is None:
            return  # it was on its way when the block ended
        if self._seal.is_own(message):
            self._echoed.set()
            return
        data = self._seal.open(message)
        if data is None:
            self._stats.malformed += 1
        elif data != GREETING:
            self._receiver.receive(data)
