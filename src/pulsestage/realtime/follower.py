"""Follows one tenant's log: by what is announced, and by reading where announcements are not enough.

The feed puts announcements in order. The follower reads what it misses: the bounds, when it opens and when something
doesn't fit what it knows (it *looks*), and the events of a gap that nobody fills in time (it *repairs*). At most one
look and one repair are under way, whatever comes in.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from pulsestage.realtime.clock import Timer
from pulsestage.realtime.engine import Engine
from pulsestage.realtime.errors import EpochChanged
from pulsestage.realtime.event import Event
from pulsestage.realtime.feed import Feed
from pulsestage.realtime.position import Position
from pulsestage.realtime.start import EXPIRED_POSITION, UNKNOWN_POSITION
from pulsestage.realtime.store import LogBounds

logger = logging.getLogger("pulsestage.realtime")


class Audience(Protocol):
    """Whom the follower tells."""

    def opened(self, feed: Feed, reason: str | None) -> None:
        """This is the log now. With a reason: what was followed before can't be continued."""

    def grew(self) -> None:
        """The feed has new events."""

    def vanished(self) -> None:
        """The store has no such log, or has it no more."""


class Asker(Protocol):
    """Who waits for fresh bounds."""

    def consulted(self) -> None:
        """They are here."""

    def fail(self, error: Exception) -> None:
        """They can't be had."""


class Follower:
    """One tenant's log, as far as this process knows it; `feed` is None until it was opened."""

    def __init__(self, engine: Engine, tenant: str, audience: Audience) -> None:
        self.feed: Feed | None = None
        self._engine = engine
        self._tenant = tenant
        self._audience = audience
        self._early: list[tuple[str, Event]] = []  # announced before the log, or their epoch of it, was opened
        self._askers: list[Asker] = []
        self._look_wanted = False
        self._looking: asyncio.Task[None] | None = None
        self._repairing: asyncio.Task[None] | None = None
        self._gap_timer: Timer | None = None
        self._closed = False

    def append(self, epoch: str, events: Sequence[Event]) -> None:
        """Take what was announced."""
        if self.feed is not None and epoch == self.feed.epoch:
            self._offer(self.feed, events)
        else:
            room = self._engine.settings.parked_events - len(self._early)
            self._early.extend((epoch, event) for event in events[:room])
            self._look()

    def consult(self, asker: Asker) -> None:
        """Read the bounds, in a query that begins after this call, and tell the asker."""
        self._askers.append(asker)
        self._look()

    def check(self, bounds: LogBounds) -> None:
        """Compare with bounds that were read for all tenants together."""
        feed = self.feed
        if feed is not None and feed.epoch != bounds.epoch:
            self._look()  # they may be older than what we know: ask in turn
        elif feed is not None:
            self._learn(feed, bounds)

    def told(self, epoch: str, head: int) -> None:
        """Another process's log reaches up to `head`, and nobody will bring the events: read them now."""
        feed = self.feed
        if feed is None or feed.epoch != epoch:
            self._look()
            return
        feed.hear(head)
        if feed.has_gap and self._repairing is None:
            if self._gap_timer is not None:
                self._gap_timer.cancel()
            self._repair()

    def hear(self, position: Position) -> None:
        """Somebody has seen the log at this position. Raises EpochChanged if it is of another epoch."""
        feed = self.feed
        if feed is None or feed.epoch != position.epoch:
            raise EpochChanged
        feed.hear(position.seq)
        self._mind_gap(feed)

    async def read(self, after: int) -> Sequence[Event]:
        """A page of the log. Raises EpochChanged, and what the store raises."""
        page, _ = await self._read(after)
        return page

    def close(self) -> None:
        """Follow no more."""
        self._closed = True
        for pending in (self._looking, self._repairing, self._gap_timer):
            if pending is not None:
                pending.cancel()

    # ---- In order ------------------------------------------------------------------------------

    def _offer(self, feed: Feed, events: Sequence[Event]) -> None:
        if joined := feed.offer(events):
            self._engine.counters.events_in += joined
            self._audience.grew()
        self._mind_gap(feed)

    def _learn(self, feed: Feed, bounds: LogBounds) -> None:
        feed.learn_floor(bounds.floor)
        feed.hear(bounds.head)
        self._mind_gap(feed)

    # ---- Looking -------------------------------------------------------------------------------

    def _look(self) -> None:
        self._look_wanted = True
        if self._looking is None and not self._closed:
            self._looking = self._engine.jobs.start(self._look_while_wanted)

    async def _look_while_wanted(self) -> None:
        while self._look_wanted and not self._closed:
            self._look_wanted = False
            askers, self._askers = self._askers, []
            try:
                bounds = (await self._engine.store.bounds((self._tenant,))).get(self._tenant)
            except Exception as error:
                logger.exception("The log of tenant %s could not be read", self._tenant)
                for asker in askers:
                    asker.fail(error)
            else:
                if bounds is None:
                    self._audience.vanished()
                    break
                self._adopt(bounds)
                for asker in askers:
                    asker.consulted()
        self._looking = None

    def _adopt(self, bounds: LogBounds) -> None:
        feed = self.feed
        if feed is None:
            self._open(bounds, None)
        elif feed.epoch != bounds.epoch:
            logger.warning("The log of tenant %s is another one now, of epoch %s", self._tenant, bounds.epoch)
            self._open(bounds, UNKNOWN_POSITION)
        else:
            self._early.clear()
            self._learn(feed, bounds)

    def _open(self, bounds: LogBounds, reason: str | None) -> Feed:
        self.feed = feed = Feed(self._tenant, bounds, self._engine.settings)
        early, self._early = self._early, []
        self._audience.opened(feed, reason)
        self._offer(feed, [event for epoch, event in early if epoch == bounds.epoch])
        return feed

    # ---- Repairing -----------------------------------------------------------------------------

    def _mind_gap(self, feed: Feed) -> None:
        if feed.has_gap and self._gap_timer is None and self._repairing is None and not self._closed:
            self._gap_timer = self._engine.clock.call_later(self._engine.settings.gap_seconds, self._repair)

    def _repair(self) -> None:
        self._gap_timer = None
        if self.feed is not None and self.feed.has_gap and not self._closed:
            self._engine.counters.gap_repairs += 1
            self._repairing = self._engine.jobs.start(self._read_gap)

    async def _read_gap(self) -> None:
        try:
            while (feed := self.feed) is not None and feed.has_gap and not self._closed:
                head = feed.head
                page, bounds = await self._read(head)
                if page and page[0].seq <= feed.head + 1:
                    self._offer(feed, page)
                elif feed.head < bounds.floor:
                    self._skip_pruned(feed, bounds)
                elif feed.head == head:
                    feed.forget_gap()
        except EpochChanged:
            self._look()
        except Exception:
            # The gap is still known: the next announcement or safety tick minds it again.
            logger.exception("A gap in the events of tenant %s could not be read", self._tenant)
        finally:
            self._repairing = None

    def _skip_pruned(self, feed: Feed, bounds: LogBounds) -> None:
        """What is missing is not in the log any more: begin anew where it can be read."""
        opened = self._open(LogBounds(bounds.epoch, bounds.floor, bounds.floor), EXPIRED_POSITION)
        opened.hear(max(feed.heard, bounds.head))

    async def _read(self, after: int) -> tuple[Sequence[Event], LogBounds]:
        """A page, and the bounds that it was read within.

        Pages don't say which epoch they are of. The bounds do, and an epoch never comes back: if it is the same after
        the page was read, it was when it was read.
        """
        store, feed = self._engine.store, self.feed
        page = await store.read(self._tenant, after, self._engine.settings.page_size)
        bounds = (await store.bounds((self._tenant,))).get(self._tenant)
        if feed is None or bounds is None or bounds.epoch != feed.epoch:
            raise EpochChanged
        return page, bounds
