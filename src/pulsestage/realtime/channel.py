"""One tenant's streams: who reads what, and when it is written.

A channel exists while its tenant has streams. Its follower brings the log's events in order; the channel gathers them
for a moment when it is busy, and gives each cohort its payload.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pulsestage.realtime.clock import Timer
from pulsestage.realtime.cohort import Cohort
from pulsestage.realtime.encoding import Coding
from pulsestage.realtime.engine import Engine
from pulsestage.realtime.feed import Feed
from pulsestage.realtime.filter import View
from pulsestage.realtime.follower import Follower
from pulsestage.realtime.payloads import Payload, Payloads
from pulsestage.realtime.store import LogBounds
from pulsestage.realtime.subscription import GONE
from pulsestage.realtime.window import Entry

if TYPE_CHECKING:
    from pulsestage.realtime.subscription import Subscription


class Channel:
    """The streams of one tenant; `flushed` is the seq that all live ones have been sent."""

    _feed: Feed
    _payloads: Payloads

    def __init__(self, engine: Engine, tenant: str, on_empty: "Callable[[Channel], None]") -> None:
        self.tenant = tenant
        self.is_open = False
        """Whether the log's bounds are known; until then there is nothing to read here."""
        self.flushed = 0
        # Dictionaries as ordered sets: what happens to many happens in the order they came, and can be repeated.
        self.subscriptions: dict[Subscription, None] = {}
        self._engine = engine
        self._on_empty = on_empty
        self._follower = Follower(engine, tenant, self)
        self._cohorts: dict[tuple[View, Coding], Cohort] = {}
        self._ahead: dict[Subscription, None] = {}
        self._writing: list[Cohort] = []  # to whose streams the present payload is still to be written
        self._is_writing = False
        self._news_since: float | None = None  # when the oldest event came that is still to be written, …
        self._writing_since = 0.0  # … and the oldest of those that are being written
        self._next_flush = float("-inf")
        self._flush_timer: Timer | None = None
        # The follower's doors, for those who know only the channel.
        self.append = self._follower.append
        self.check = self._follower.check
        self.consult = self._follower.consult
        self.hear = self._follower.hear
        self.told = self._follower.told
        self.read_log = self._follower.read

    # ---- For subscriptions ---------------------------------------------------------------------

    @property
    def bounds(self) -> LogBounds:
        """What is known of the log."""
        return LogBounds(self._feed.epoch, self._feed.floor, self._feed.heard)

    @property
    def oldest(self) -> int:
        """The lowest cursor that can go on from the window."""
        return self._feed.window.floor

    @property
    def window_size(self) -> tuple[int, int]:
        """Events held in memory, and their bytes."""
        return (len(self._feed.window), self._feed.window.size) if self.is_open else (0, 0)

    def enter(self, subscription: "Subscription", view: View, coding: Coding) -> Cohort:
        """A new stream; its cohort."""
        self.subscriptions[subscription] = None
        cohort = self._cohorts.get((view, coding))
        if cohort is None:
            cohort = self._cohorts[view, coding] = Cohort(view, coding)
        cohort.size += 1
        return cohort

    def exit(self, subscription: "Subscription", cohort: Cohort) -> None:
        """A stream has ended. The last one takes the channel with it."""
        self.subscriptions.pop(subscription, None)
        self._ahead.pop(subscription, None)
        cohort.size -= 1
        if not cohort.size:
            del self._cohorts[cohort.view, cohort.coding]
        if not self.subscriptions:
            self._follower.close()
            if self._flush_timer is not None:
                self._flush_timer.cancel()
            self._on_empty(self)

    def payload_after(self, cursor: int, cohort: Cohort) -> tuple[int, Payload]:
        """What a stream that lags behind is sent next, and how far that takes it."""
        upto = self._feed.window.batch_end(cursor, self.flushed, self._engine.settings.batch_bytes)
        return upto, self._payloads.get(cohort.view, cohort.coding, after=cursor, upto=upto)

    def remember(self, entries: Sequence[Entry]) -> None:
        """A page of the log was read: if it reaches the window and there is room, the next reader needn't read it."""
        self._feed.window.extend_back(entries)

    def wait_for_flush(self, subscription: "Subscription") -> None:
        """This stream knows more than the live ones were sent: it joins them when they have come as far."""
        self._ahead[subscription] = None

    # ---- From the follower ---------------------------------------------------------------------

    def opened(self, feed: Feed, reason: str | None) -> None:
        """Begin with this log. With a reason: who can't go on in it, and so was lost, begins anew."""
        new_epoch = not self.is_open or self._feed.epoch != feed.epoch
        fates = [(each, new_epoch or each.cursor < feed.floor) for each in self.subscriptions]
        self._feed = feed
        self._payloads = Payloads(feed.window)
        self.flushed = feed.head
        self._news_since = None
        self.is_open = True
        if reason is not None:
            for subscription, lost in fates:
                if lost:
                    subscription.begin_anew(reason)
                else:
                    subscription.proceed()

    def vanished(self) -> None:
        """End every stream: there is no such log."""
        for subscription in list(self.subscriptions):
            subscription.close(GONE)

    def grew(self) -> None:
        """Send what is new: now if there was time to breathe since the last time, else together with what follows."""
        now = self._engine.clock.time()
        if self._news_since is None:
            self._news_since = now
        if not self._is_writing:
            if now >= self._next_flush or self._feed.window.is_over:
                self._flush()
            elif self._flush_timer is None:
                self._flush_timer = self._engine.clock.call_later(self._next_flush - now, self._flush)

    # ---- Writing -------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Begin to write: one payload for each cohort, its streams in slices."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        window, after = self._feed.window, self.flushed
        if after >= window.head:
            return
        upto = window.batch_end(after, window.head, self._engine.settings.batch_bytes)
        self.flushed = upto
        for cohort in self._cohorts.values():
            if cohort.has_live:
                payload = self._payloads.get(cohort.view, cohort.coding, after=after, upto=upto)
                if payload.frames:
                    cohort.begin(payload, after)
                    self._writing.append(cohort)
        window.trim(upto)
        now = self._engine.clock.time()
        self._writing_since = now if self._news_since is None else self._news_since
        if upto == window.head:
            self._news_since = None
        self._is_writing = True
        self._engine.turns.begin(partial(self._write, now))

    def _write(self, begun: float, limit: int) -> bool:
        """Write to so many streams of those who are due; whether there are more."""
        counters, clock = self._engine.counters, self._engine.clock
        left = limit
        while left > 0 and self._writing:
            left -= self._writing[-1].write(left, counters)
            if not self._writing[-1].has_due:
                self._writing.pop()
        now = clock.time()
        counters.latency.observe(now - self._writing_since, limit - left)
        if self._writing:
            return True
        self._is_writing = False
        settings = self._engine.settings
        self._next_flush = now + max(settings.flush_seconds, min(now - begun, settings.longest_flush_seconds))
        ahead, self._ahead = self._ahead, {}
        for subscription in ahead:
            subscription.proceed()
        if self.subscriptions and self.flushed < self._feed.window.head:
            wait = 0.0 if self._feed.window.is_over else self._next_flush - now
            self._flush_timer = clock.call_later(wait, self._flush)
        return False
