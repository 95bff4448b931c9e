"""What the channels of one hub share."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from pulsestage.realtime.budget import ByteBudget
from pulsestage.realtime.clock import Clock
from pulsestage.realtime.jobs import Jobs
from pulsestage.realtime.settings import HubSettings
from pulsestage.realtime.stats import Counters
from pulsestage.realtime.store import EventStore
from pulsestage.realtime.turns import Turns
from pulsestage.realtime.wheel import Patience, Wheel

if TYPE_CHECKING:
    from pulsestage.realtime.subscription import Subscription

logger = logging.getLogger("pulsestage.realtime")


@dataclass(slots=True)
class Engine:
    """The outside world, the limits, and the lists that all streams are on together."""

    store: EventStore
    settings: HubSettings
    clock: Clock
    random: Random
    jobs: Jobs = field(default_factory=Jobs)
    counters: Counters = field(default_factory=Counters)
    catch_up_slots: asyncio.Semaphore = field(init=False)
    snapshot_slots: asyncio.Semaphore = field(init=False)
    snapshot_budget: ByteBudget = field(init=False)
    turns: Turns = field(init=False)
    """Who writes to many, and when it is whose turn."""
    hearts: "Wheel[Subscription]" = field(init=False)
    """Who gets a heartbeat when."""
    slow: "Patience[Subscription]" = field(default_factory=Patience)
    """Whose sink is full."""
    leaving: "Patience[Subscription]" = field(default_factory=Patience)
    """Who was sent a farewell and is not gone yet."""
    holders: Counter[str] = field(default_factory=Counter)
    """How many streams each holder has."""

    def __post_init__(self) -> None:
        self.catch_up_slots = asyncio.Semaphore(self.settings.catch_up_concurrency)
        self.snapshot_slots = asyncio.Semaphore(self.settings.snapshot_concurrency)
        self.snapshot_budget = ByteBudget(self.settings.snapshot_bytes)
        self.turns = Turns(self.clock, self.settings.slice_writes)
        self.hearts = Wheel(self.settings.heartbeat_slots)

    def retry(self) -> int:
        """How many ms a client shall wait before it comes back; random, so that they don't come together."""
        return self.random.randint(*self.settings.retry_milliseconds)
