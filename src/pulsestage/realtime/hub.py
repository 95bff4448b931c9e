"""The hub: takes in what was committed, and gives it to everybody who subscribed.

All of it lives on one event loop: `append` and `subscribe` are called there, and so are the sinks' callbacks.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from random import Random, SystemRandom
from types import TracebackType
from typing import Self

from pulsestage.realtime import frames
from pulsestage.realtime.announcement import Announcement
from pulsestage.realtime.channel import Channel
from pulsestage.realtime.clock import Clock, LoopClock, Timer
from pulsestage.realtime.encoding import Coding
from pulsestage.realtime.engine import Engine
from pulsestage.realtime.errors import HubClosed
from pulsestage.realtime.event import Event
from pulsestage.realtime.relay import Relay, RelayStats
from pulsestage.realtime.request import StreamRequest
from pulsestage.realtime.settings import HubSettings
from pulsestage.realtime.sink import Sink
from pulsestage.realtime.stats import HubStats
from pulsestage.realtime.store import EventStore
from pulsestage.realtime.subscription import Subscription

logger = logging.getLogger("pulsestage.realtime")


class Hub:
    """Streams of all tenants over one store. An async context manager: its background work ends with the block.

    Where several processes share the store, `relay` tells each of what the others append. It is a hint: while it is
    down, or loses something, the hub finds the same events in the log, later.

    >>> import asyncio
    >>> from pulsestage.realtime import MemoryEventStore
    >>> class Printer:
    ...     def attach(self, on_drain, on_close): self.on_close = on_close
    ...     def write(self, payload): print(payload.decode().split(',"timestamp')[0]); return True
    ...     def close(self, farewell=b""): self.on_close()
    ...     def abort(self): self.on_close()
    >>> async def main() -> None:
    ...     store = MemoryEventStore()
    ...     store.create("t1")
    ...     async with Hub(store, random=Random(7)) as hub:
    ...         await hub.subscribe(StreamRequest(tenant="t1", audiences=("public",)), Printer())
    ...         await asyncio.sleep(0.01)
    ...         event = store.append("t1", "question:removed", 1696765800000, {"public": b'{"id":"q1"}'})
    ...         hub.append("t1", "e1", [event])
    >>> asyncio.run(main())
    retry: 2326
    data: {"type":"connected","tenantId":"t1","heartbeatSeconds":30.0
    data: {"type":"question:removed","tenantId":"t1","data":{"id":"q1"}
    """

    def __init__(
        self,
        store: EventStore,
        settings: HubSettings | None = None,
        *,
        relay: Relay | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self._engine = Engine(store, settings or HubSettings(), clock or LoopClock(), random or SystemRandom())
        self._channels: dict[str, Channel] = {}
        self._relay = relay
        self._was_deaf = False
        self._next_check = 0.0
        self._open = AsyncExitStack()
        self._running = False
        self._checking = self._look_again = False
        self._failing = False
        self._timers: dict[str, Timer] = {}

    async def __aenter__(self) -> Self:
        await self._engine.jobs.__aenter__()
        if self._relay is not None:
            await self._open.enter_async_context(self._relay.listening(self.hear))
        self._running = True
        self._next_check = self._engine.clock.time() + self._engine.settings.safety_seconds
        self._schedule_turn()
        self._schedule_check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            async with self._open:  # the relay is left even if the goodbyes are cut short
                await self.close("shutdown")
        finally:
            await self._engine.jobs.__aexit__(kind, error, traceback)

    def append(self, tenant: str, epoch: str, events: Sequence[Event]) -> None:
        """These events were committed to this epoch of the tenant's log. Call it after the commit; it never waits.

        Any order will do: what is known already is dropped, what is early waits for its turn, and what never comes is
        read from the store. Without streams of this tenant nothing is kept. Other processes are told through the relay.
        """
        channel = self._channels.get(tenant)
        if channel is not None:
            channel.append(epoch, events)
        if self._relay is not None and events:
            self._relay.announce(Announcement(tenant, epoch, events[-1].seq, tuple(events)))

    def hear(self, announcement: Announcement) -> None:
        """What another process told through the relay. Any order will do, and any repeat."""
        channel = self._channels.get(announcement.tenant)
        if channel is None:
            return
        if announcement.events:
            channel.append(announcement.epoch, announcement.events)
        else:
            channel.told(announcement.epoch, announcement.head)

    async def subscribe(self, request: StreamRequest, sink: Sink) -> Subscription:
        """Begin a stream. Raises HubClosed.

        Returns when the stream is registered: from here on it misses nothing. All else, errors too, comes through the
        sink.
        """
        if not self._running:
            raise HubClosed("the hub is not open")
        channel = self._channels.get(request.tenant)
        if channel is None:
            channel = self._channels[request.tenant] = Channel(self._engine, request.tenant, self._drop)
        subscription = Subscription(self._engine, channel, request, sink)
        self._engine.counters.joins += 1
        subscription.join()
        return subscription

    async def check(self) -> None:
        """Compare what is known with the log's heads, for all tenants with streams; lost announcements are made up for.

        The hub does it every `safety_seconds`, and every `unheard_safety_seconds` while its relay is not healthy.
        """
        self._look_again = True
        if self._checking:
            return  # whoever looks will look once more: what it has read may be older than this question
        self._checking = True
        try:
            while self._look_again and self._channels:
                self._look_again = False
                await self._look()
        finally:
            self._checking = False

    async def _look(self) -> None:
        channels = list(self._channels.items())
        try:
            bounds = await self._engine.store.bounds([tenant for tenant, _ in channels])
        except Exception:
            if not self._failing:  # once per spell: the log of a broken store should say so, not count the ticks
                logger.exception("The heads of the logs could not be read; will try again")
            self._failing = True
        else:
            self._failing = False
            for tenant, channel in channels:
                if tenant in bounds:
                    channel.check(bounds[tenant])
                else:
                    channel.vanished()

    async def close(self, reason: str) -> None:
        """Refuse new streams, and say goodbye to all that there are."""
        self._running = False
        for timer in self._timers.values():
            timer.cancel()
        await self.say_goodbye(reason)

    async def say_goodbye(self, reason: str) -> None:
        """End every stream that there is now, and wait until the last bytes have left or had their time.

        Goodbyes are spread over `farewell_seconds`, and what they say of when to come back is random: a server that
        stops sends its clients elsewhere, one after the other. New streams may begin until the hub is closed.
        """
        engine = self._engine
        streams = [stream for channel in self._channels.values() for stream in channel.subscriptions]
        size = engine.settings.slice_writes
        slices = [streams[start : start + size] for start in range(0, len(streams), size)]
        for number, part in enumerate(slices):
            if number and engine.settings.farewell_seconds:
                await self._pause(engine.settings.farewell_seconds / len(slices))
            for subscription in part:
                subscription.close(reason)
        timer = engine.clock.call_later(engine.settings.linger_seconds, self._abandon_all)
        try:
            await engine.leaving.emptied()
        finally:
            timer.cancel()

    def begin_close(self, reason: str) -> None:
        """Begin what `close` does, and leave it to the background. Nothing happens if the hub is not open."""
        if self._running:
            self._running = False
            self._engine.jobs.start(partial(self.close, reason))

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        self._engine.clock.call_later(seconds, over.set)
        await over.wait()

    @property
    def running(self) -> bool:
        """Whether streams can be subscribed."""
        return self._running

    @property
    def relay_healthy(self) -> bool:
        """Whether what other processes append is heard at once, as far as is known; True if there is no relay."""
        return self._relay is None or self._relay.healthy

    @property
    def total_connections(self) -> int:
        """Streams of all tenants now."""
        return sum(len(channel.subscriptions) for channel in self._channels.values())

    def connections(self, tenant: str) -> int:
        """Streams of this tenant now."""
        channel = self._channels.get(tenant)
        return len(channel.subscriptions) if channel is not None else 0

    def held_by(self, holder: str) -> int:
        """Streams of all tenants now whose request names this holder."""
        return self._engine.holders[holder]

    def holders(self, least: int) -> dict[str, int]:
        """Those who hold so many streams or more, and how many."""
        return {holder: count for holder, count in self._engine.holders.items() if count >= least}

    def stats(self) -> HubStats:
        """What was counted, as of now."""
        channels = self._channels.values()
        sizes = [channel.window_size for channel in channels]
        return HubStats(
            connections={channel.tenant: len(channel.subscriptions) for channel in channels},
            slow=len(self._engine.slow),
            window_events=sum(events for events, _ in sizes),
            window_bytes=sum(size for _, size in sizes),
            relay=RelayStats() if self._relay is None else self._relay.stats(),
            relay_healthy=self.relay_healthy,
            **self._engine.counters.totals(),
        )

    def _drop(self, channel: Channel) -> None:
        del self._channels[channel.tenant]

    def _abandon_all(self) -> None:
        for subscription in self._engine.leaving:
            subscription.abandon()

    # ---- Rhythms -------------------------------------------------------------------------------

    def _schedule_turn(self) -> None:
        settings, clock = self._engine.settings, self._engine.clock
        seconds = settings.heartbeat_seconds / settings.heartbeat_slots
        self._timers["turn"] = clock.call_later(seconds, partial(self._turn, clock.time() + seconds))

    def _turn(self, due: float) -> None:
        """A heartbeat for the part of the streams whose turn it is, and an end for those that have stalled."""
        self._schedule_turn()
        engine = self._engine
        now, wall = engine.clock.time(), engine.clock.now()
        engine.counters.heartbeat_lag = max(0.0, now - due)
        for subscription in engine.slow.began_by(now - engine.settings.stall_seconds):
            subscription.stall()
        for subscription in engine.leaving.began_by(now - engine.settings.linger_seconds):
            subscription.abandon()
        beats: dict[tuple[str, Coding], bytes] = {}
        for subscription in engine.hearts.turn():
            if subscription.idle:
                key = (subscription.tenant, subscription.coding)
                if key not in beats:
                    beats[key] = subscription.coding.encode(frames.heartbeat(subscription.tenant, wall))
                engine.counters.heartbeats += 1
                subscription.write(beats[key])

    def _schedule_check(self) -> None:
        settings, clock = self._engine.settings, self._engine.clock
        # A relay can fall silent at any moment: it is looked at more often than the log.
        seconds = settings.safety_seconds if self._relay is None else settings.unheard_safety_seconds
        self._timers["check"] = clock.call_later(min(seconds, settings.safety_seconds), self._check)

    def _check(self) -> None:
        self._schedule_check()
        now = self._engine.clock.time()
        was_deaf, self._was_deaf = self._was_deaf, not self.relay_healthy
        # Once more when it is back: what was announced in between is lost.
        if self._relay is None or self._was_deaf or was_deaf or now >= self._next_check:
            self._next_check = now + self._engine.settings.safety_seconds
            self._engine.jobs.start(self.check)
