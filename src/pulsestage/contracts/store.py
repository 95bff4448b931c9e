"""What every event store must do: `EventStoreContract`, and what it needs of whoever runs it."""

from typing import Protocol

import pytest

from pulsestage.realtime import Event, EventStore


class Log(Protocol):
    """A store, and the ways to fill it that are not the engine's business."""

    @property
    def store(self) -> EventStore:
        """What is tested."""

    async def create(self, tenant: str) -> None:
        """Begin an empty log; after the first time, in a new epoch."""

    async def append(self, tenant: str, events: list[Event]) -> None:
        """Log these events; their seqs are the next ones."""

    async def prune(self, tenant: str, floor: int) -> None:
        """Forget events 1 … floor."""


def example(seq: int) -> Event:
    """An event that uses every field."""
    return Event(
        seq,
        "question:pinned",
        1_696_765_800_000 + seq,
        {"public": b'{"pinnedBy":null}', "moderators": '{"pinnedBy":"Zoë"}'.encode()},
        topic="team-1" if seq % 2 else None,
        key=f"pin:{seq % 3}" if seq % 3 else None,
    )


@pytest.mark.anyio
class EventStoreContract:
    """Every event store passes these tests. Subclass it and provide the fixture `log`: a store without any log.

    class FileLog:
        def __init__(self, path: Path) -> None:
            self.store = FileEventStore(path)

        async def create(self, tenant: str) -> None: ...
        async def append(self, tenant: str, events: list[Event]) -> None: ...
        async def prune(self, tenant: str, floor: int) -> None: ...

    class TestFileEventStore(EventStoreContract):
        @pytest.fixture
        def log(self, tmp_path: Path) -> Log:
            return FileLog(tmp_path)
    """

    @pytest.fixture
    async def ten(self, log: Log) -> Log:
        await log.create("t1")
        await log.append("t1", [example(seq) for seq in range(1, 11)])
        return log

    async def test_a_new_log_is_empty(self, log: Log) -> None:
        await log.create("t1")
        bounds = (await log.store.bounds(["t1"]))["t1"]
        assert (bounds.floor, bounds.head) == (0, 0)
        assert not await log.store.read("t1", 0, 10)

    async def test_bounds_are_of_all_tenants_asked_for_and_no_others(self, ten: Log) -> None:
        await ten.create("t2")
        await ten.create("t3")
        bounds = await ten.store.bounds(["t1", "t2", "nobody"])
        assert {tenant: found.head for tenant, found in bounds.items()} == {"t1": 10, "t2": 0}
        assert await ten.store.bounds([]) == {}

    async def test_events_come_back_as_they_were(self, ten: Log) -> None:
        assert list(await ten.store.read("t1", 0, 100)) == [example(seq) for seq in range(1, 11)]

    @pytest.mark.parametrize(
        "after,limit,seqs", [(0, 3, [1, 2, 3]), (3, 3, [4, 5, 6]), (8, 3, [9, 10]), (10, 3, []), (99, 3, [])]
    )
    async def test_pages_are_ascending_and_limited(self, ten: Log, after: int, limit: int, seqs: list[int]) -> None:
        assert [event.seq for event in await ten.store.read("t1", after, limit)] == seqs

    async def test_what_bounds_show_can_be_read(self, ten: Log) -> None:
        bounds = (await ten.store.bounds(["t1"]))["t1"]
        page = await ten.store.read("t1", bounds.floor, 100)
        assert [event.seq for event in page] == list(range(bounds.floor + 1, bounds.head + 1))

    async def test_pruned_events_are_gone_and_the_first_seq_shows_it(self, ten: Log) -> None:
        await ten.prune("t1", 4)
        bounds = (await ten.store.bounds(["t1"]))["t1"]
        assert (bounds.floor, bounds.head) == (4, 10)
        assert [event.seq for event in await ten.store.read("t1", 2, 2)] == [5, 6]

    async def test_pruning_all_keeps_the_head(self, ten: Log) -> None:
        before = (await ten.store.bounds(["t1"]))["t1"]
        await ten.prune("t1", 10)
        after = (await ten.store.bounds(["t1"]))["t1"]
        assert (after.epoch, after.floor, after.head) == (before.epoch, 10, 10)
        await ten.append("t1", [example(11)])
        assert [event.seq for event in await ten.store.read("t1", 10, 5)] == [11]

    async def test_logs_are_apart(self, ten: Log) -> None:
        await ten.create("t2")
        await ten.append("t2", [example(1)])
        assert [event.seq for event in await ten.store.read("t2", 0, 100)] == [1]
        assert not await ten.store.read("nobody", 0, 100)

    async def test_a_log_begun_anew_has_another_epoch(self, ten: Log) -> None:
        before = (await ten.store.bounds(["t1"]))["t1"]
        await ten.create("t1")
        after = (await ten.store.bounds(["t1"]))["t1"]
        assert after.epoch != before.epoch
        assert (after.floor, after.head) == (0, 0)
        assert not await ten.store.read("t1", 0, 100)
