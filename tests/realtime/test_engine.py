from random import Random

from pulsestage.realtime import HubSettings, MemoryEventStore
from pulsestage.realtime.engine import Engine
from tests.realtime.support import ManualClock


def test_retries_are_random_and_within_their_range() -> None:
    engine = Engine(MemoryEventStore(), HubSettings(retry_milliseconds=(10, 19)), ManualClock(), Random(1))
    assert {engine.retry() for _ in range(1000)} == set(range(10, 20))
