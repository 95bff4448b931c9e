"""One stream: a cursor into a tenant's log, and the rules by which it moves.

A subscription owns no queue. It knows the last seq that its sink was given (`_cursor`), what it owes before events may
follow (a `reset`, a snapshot), and what keeps it from going on: its sink is full, or something is awaited. `proceed`
looks at that and does the next thing, until the stream is live. Everything that happens to a stream (it drains, a page
was read, the log began a new epoch) changes the facts and calls `proceed`; there is no other order of things to follow.

A live stream has no cursor of its own: it is where its channel is (`channel.flushed`), together with all others.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from pulsestage.realtime import frames
from pulsestage.realtime.encoding import Coding
from pulsestage.realtime.engine import Engine
from pulsestage.realtime.errors import EpochChanged
from pulsestage.realtime.jobs import Work
from pulsestage.realtime.payloads import Payload
from pulsestage.realtime.request import StreamRequest
from pulsestage.realtime.sink import DirectSink, Sink
from pulsestage.realtime.start import EXPIRED_POSITION, Start, decide_start
from pulsestage.realtime.window import Batch, Entry, pages

if TYPE_CHECKING:
    from pulsestage.realtime.channel import Channel
    from pulsestage.realtime.cohort import Cohort

logger = logging.getLogger("pulsestage.realtime")

CLIENT_GONE: Final = "client-gone"
SERVER_ERROR: Final = "server-error"
GONE: Final = "gone"
"""The log was deleted, so the client need not come back."""
STALLED: Final = "stalled"


class Subscription:
    """A stream that was subscribed; made by `Hub.subscribe`."""

    __slots__ = (
        "_borrowed",
        "_channel",
        "_closed",
        "_cohort",
        "_connected",
        "_cursor",
        "_engine",
        "_full",
        "_heart_slot",
        "_holders",
        "_live",
        "_owes_reset",
        "_owes_snapshot",
        "_progress",
        "_request",
        "_retrying",
        "_sink",
        "_snapshot",
        "_task",
        "_waiting",
        "place",
    )

    def __init__(self, engine: Engine, channel: "Channel", request: StreamRequest, sink: Sink) -> None:
        self._engine = engine
        self._channel = channel
        self._request: StreamRequest | None = request  # until it is connected: much is in it that is needed once
        self._snapshot = request.snapshot
        self._holders = request.holders
        self._sink = sink
        self._cohort: Cohort = channel.enter(self, request.view, request.coding)
        self._heart_slot = engine.hearts.add(self)
        engine.holders.update(request.holders)
        self._cursor = 0
        self._borrowed = 0  # of the budget for snapshots
        self._owes_reset: str | None = None
        self._owes_snapshot = False
        self._connected = False
        self._waiting = True  # for the log's bounds
        self._full = False
        self._progress = 0  # of the reader, when it was last waited for
        self._live = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._retrying = False
        self.place = 0  # in the cohort's row, while it is live
        sink.attach(self._drained, self._gone)

    # ---- For the application -------------------------------------------------------------------

    @property
    def tenant(self) -> str:
        """The tenant's id."""
        return self._channel.tenant

    @property
    def closed(self) -> bool:
        """Whether the stream has ended, or is about to when its last bytes have left."""
        return self._closed

    def close(self, reason: str) -> None:
        """Say goodbye and end the stream. Nothing happens if it has ended."""
        if not self._closed:
            engine = self._engine
            goodbye = frames.goodbye(self.tenant, reason, engine.clock.now(), engine.retry())
            coding = self.coding
            farewell = (coding.encode if self._connected else coding.begin)(goodbye) + coding.end
            self._end(reason)
            engine.leaving.begin(self, engine.clock.time())
            try:
                self._sink.close(farewell)
            except Exception:
                logger.exception("A sink of tenant %s could not be closed", self.tenant)

    # ---- For the channel and the hub -----------------------------------------------------------

    def join(self) -> None:
        """Begin where the client left off, if what is known of the log tells where; else ask the log first."""
        channel = self._channel
        if channel.is_open and not (start := self._decide_start()).doubtful:
            self._connect(start)
        else:
            channel.consult(self)

    def consulted(self) -> None:
        """The log's bounds are fresh: go on with what waited for them."""
        if self._closed:
            return
        if self._connected:
            self._waiting = False
            self.proceed()
        else:
            self._connect(self._decide_start())

    def begin_anew(self, reason: str) -> None:
        """What the client has can't be continued: reset it, and give it a snapshot if it had asked for one."""
        if self._connected and not self._closed:
            self._cancel()
            self._invalidate(reason)
            self.proceed()

    def proceed(self) -> None:
        """Do what comes next, and again, until the sink is full, something must be awaited, or the stream is live."""
        channel = self._channel
        while not (self._live or self._full or self._closed or self._waiting or self._task is not None):
            if self._owes_reset is not None:
                reason, self._owes_reset = self._owes_reset, None
                self.write(self.coding.encode(frames.reset(self.tenant, reason, self._engine.clock.now())))
            elif self._owes_snapshot:
                self._run(self._take_snapshot)
            elif self._cursor > channel.flushed:
                channel.wait_for_flush(self)
                return
            elif self._cursor == channel.flushed:
                self._live = True
                self._cohort.join(self, self._sink)
            elif self._cursor < channel.oldest:
                self._run(self._catch_up)
            else:
                payload = self._take_from_window()
                if payload.frames:
                    self.write(payload.data, payload.frames)

    def write(self, data: bytes, frame_count: int = 1) -> None:
        """Give the sink these bytes."""
        self._engine.counters.wrote(len(data), frame_count)
        try:
            if not self._sink.write(data):
                self.fill()
        except Exception as error:  # noqa: BLE001 - as in Cohort.write
            self.fail(error)

    def hinder(self, data: bytes, result: int | Exception) -> None:
        """The cohort's write didn't go through: so many bytes were taken, or the sink said False, or raised this."""
        if result is False:
            self.fill()
        elif isinstance(self._sink, DirectSink) and (isinstance(result, int | OSError)):
            taken = result if isinstance(result, int) else 0
            try:
                if not self._sink.write(memoryview(data)[taken:]):
                    self.fill()
            except Exception as error:  # noqa: BLE001 - as in Cohort.write
                self.fail(error)
        else:
            self.fail(result if isinstance(result, Exception) else TypeError(f"a sink's write returned {result}"))

    def fill(self) -> None:
        """The sink is full: stay where the channel is, or where the cursor was, until it drains."""
        if not self._closed:
            self._leave_cohort()
            self._full = True
            self._wait_for_reader()

    @property
    def coding(self) -> Coding:
        """How its bytes are coded."""
        return self._cohort.coding

    @property
    def cursor(self) -> int:
        """The seq up to which the stream was sent all that is for it."""
        if not self._live:
            return self._cursor
        behind = self._cohort.behind(self)
        return self._channel.flushed if behind is None else behind

    @property
    def idle(self) -> bool:
        """Whether a frame may be put in now, between others."""
        return self._connected and not (self._full or self._closed or self._task is not None)

    def stall(self) -> None:
        """The sink has been full for long. End, unless the reader has taken something in this time."""
        if self._closed:
            return
        if self._progress_of_sink() > self._progress:
            self._wait_for_reader()
            return
        # Without a farewell, which would only be more that it doesn't take.
        self._engine.counters.stalls += 1
        self._end(STALLED)
        self._sink.abort()

    def abandon(self) -> None:
        """The last bytes have had their time."""
        self._engine.leaving.end(self)
        self._sink.abort()

    # ---- From the sink -------------------------------------------------------------------------

    def _drained(self) -> None:
        self._give_back()
        self._full = False
        self._engine.slow.end(self)
        self.proceed()

    def _gone(self) -> None:
        self._give_back()
        self._end(CLIENT_GONE)
        self._engine.leaving.end(self)

    def _wait_for_reader(self) -> None:
        self._progress = self._progress_of_sink()
        self._engine.slow.begin(self, self._engine.clock.time())

    def _progress_of_sink(self) -> int:
        progress: int = getattr(self._sink, "progress", 0)  # as a MeasuredSink has it
        return progress

    # ---- Steps ---------------------------------------------------------------------------------

    def _decide_start(self) -> Start:
        channel = self._channel
        position = self._request.last_event_id if self._request is not None else None
        wants_snapshot = self._snapshot is not None
        return decide_start(position, channel.bounds, live=channel.flushed, snapshot=wants_snapshot)

    def _connect(self, start: Start) -> None:
        engine, request = self._engine, self._request
        if request is None:  # pragma: no cover - it is there until it is connected, which is once; for the type checker
            return
        self._request = None
        self._waiting = False
        self._connected = True
        self._cursor = start.cursor
        self._owes_snapshot = start.snapshot
        now = engine.clock.now()
        greeting = {**request.greeting, "heartbeatSeconds": engine.settings.heartbeat_seconds}
        beginning = [frames.connected(start.position, self.tenant, greeting, now, engine.retry())]
        if start.reset is not None:
            engine.counters.resets[start.reset] += 1
            beginning.append(frames.reset(self.tenant, start.reset, now))
        data, frame_count = self.coding.begin(b"".join(beginning)), len(beginning)
        if not start.snapshot and self._channel.oldest <= self._cursor < self._channel.flushed:
            payload = self._take_from_window()  # in the same write: most who come back are soon where the others are
            data, frame_count = data + payload.data, frame_count + payload.frames
        self.write(data, frame_count)
        self.proceed()

    def _invalidate(self, reason: str) -> None:
        self._leave_cohort()
        self._owes_reset = reason
        self._owes_snapshot = self._snapshot is not None
        self._cursor = self._channel.flushed
        self._engine.counters.resets[reason] += 1

    def _give_back(self) -> None:
        if self._borrowed:
            self._engine.snapshot_budget.give_back(self._borrowed)
            self._borrowed = 0

    def _take_from_window(self) -> Payload:
        """What comes next, to be written now."""
        self._cursor, payload = self._channel.payload_after(self._cursor, self._cohort)
        self._engine.counters.conflated += payload.conflated
        self._engine.counters.saved += payload.saved
        return payload

    async def _catch_up(self) -> None:
        channel, engine = self._channel, self._engine
        engine.counters.catch_ups += 1
        while self._cursor < channel.oldest and not (self._full or self._closed):
            # One slot per page, not per reader: the pages in memory are bounded, and readers take turns.
            async with engine.catch_up_slots:
                if self._cursor >= channel.oldest:
                    return  # while this one waited, another's page has brought the window down to here
                page = await channel.read_log(self._cursor)
                if not page or page[0].seq != self._cursor + 1:
                    self._invalidate(EXPIRED_POSITION)
                    return
                epoch = channel.bounds.epoch
                entries = [Entry.of(epoch, self.tenant, event) for event in page]
                channel.remember(entries)
                if self._cursor < channel.oldest:
                    self._write_page(entries)

    def _write_page(self, entries: Sequence[Entry]) -> None:
        for part in pages(entries, self._engine.settings.batch_bytes):
            self._cursor = part[-1].seq
            batch = Batch.of(part, self._cohort.view)
            if batch.frames:
                self._engine.counters.conflated += batch.conflated
                self.write(self.coding.encode(batch.payload), batch.frames)
            if self._full or self._closed:
                return

    async def _take_snapshot(self) -> None:
        engine, make = self._engine, self._snapshot
        if make is None:  # pragma: no cover - a stream without it owes no snapshot; for the type checker
            return
        async with engine.snapshot_slots:
            position, data = await make()
            self._channel.hear(position)
            frame = self.coding.encode(frames.snapshot(position, self.tenant, data, engine.clock.now()))
            # A snapshot is the one thing that is as large as its room, and each reader's is its own: what slow readers
            # leave in their sinks is limited for all of them together.
            self._borrowed = await engine.snapshot_budget.borrow(len(frame))
        self._owes_snapshot = False
        self._cursor = position.seq
        self.write(frame)
        if not self._full:
            self._give_back()

    # ---- Being busy, and ending ----------------------------------------------------------------

    def _run(self, step: Work) -> None:
        self._task = self._engine.jobs.start(partial(self._finish, step))

    async def _finish(self, step: Work) -> None:
        """Do a step that takes time, then go on. Whoever cancels it has changed the facts and goes on himself."""
        try:
            await step()
        except EpochChanged as error:
            self._task = None
            if self._retrying:
                self.fail(error)
            else:
                self._retrying = self._waiting = True
                self._channel.consult(self)
        except Exception as error:  # noqa: BLE001 - whatever a store or a snapshot raises ends this stream alone
            self._task = None
            self.fail(error)
        else:
            self._task = None
            self._retrying = False
            self.proceed()

    def fail(self, error: Exception) -> None:
        """What the stream needs can't be had: it ends, and only it."""
        logger.error("A stream of tenant %s failed", self.tenant, exc_info=error)
        self.close(SERVER_ERROR)

    def _cancel(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def _leave_cohort(self) -> None:
        if self._live:
            self._live = False
            behind = self._cohort.leave(self)
            self._cursor = self._channel.flushed if behind is None else behind

    def _end(self, reason: str) -> None:
        if not self._closed:
            self._leave_cohort()
            self._closed = True
            self._cancel()
            engine = self._engine
            engine.counters.closes[reason] += 1
            engine.slow.end(self)
            _count_down(engine.holders, self._holders)
            engine.hearts.discard(self, self._heart_slot)
            self._channel.exit(self, self._cohort)


def _count_down(counts: Counter[str], names: tuple[str, ...]) -> None:
    for name in names:
        counts[name] -= 1
        if not counts[name]:
            del counts[name]
