import pytest

from pulsestage.contracts.store import EventStoreContract
from pulsestage.realtime import Event, InvalidPosition, LogBounds, MemoryEventStore


class MemoryLog:
    """The memory store as the contract suite fills it."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()

    async def create(self, tenant: str) -> None:
        self.store.create(tenant)

    async def append(self, tenant: str, events: list[Event]) -> None:
        for event in events:
            logged = self.store.append(
                tenant, event.type, event.timestamp, event.variants, topic=event.topic, key=event.key
            )
            assert logged == event

    async def prune(self, tenant: str, floor: int) -> None:
        self.store.prune(tenant, floor)


class TestMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog()

    async def test_pruning_stays_within_the_log(self, log: MemoryLog) -> None:
        log.store.create("t1")
        log.store.prune("t1", 5)
        assert (await log.store.bounds(["t1"]))["t1"] == LogBounds("e1", 0, 0)

    def test_a_log_must_be_created(self, log: MemoryLog) -> None:
        with pytest.raises(KeyError):
            log.store.append("t1", "a", 0, {})


def test_bounds_that_make_no_sense() -> None:
    with pytest.raises(InvalidPosition):
        LogBounds("e\n", 0, 0)
    with pytest.raises(ValueError, match="below floor"):
        LogBounds("e1", 2, 1)
