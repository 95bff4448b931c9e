"""Two ways to keep time for thousands of streams without a timer each."""

import asyncio
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Wheel(Generic[T]):
    """Items in slots that come round one at a time: each item once in a turn, and the work spread evenly over it.

    >>> wheel: Wheel[str] = Wheel(slots=2)
    >>> [wheel.add(name) for name in ("a", "b", "c")]
    [0, 1, 0]
    >>> sorted(wheel.turn()), sorted(wheel.turn()), sorted(wheel.turn())
    (['a', 'c'], ['b'], ['a', 'c'])
    """

    def __init__(self, slots: int) -> None:
        self._slots: list[dict[T, None]] = [{} for _ in range(slots)]
        self._next_add = 0
        self._next_turn = 0

    def add(self, item: T) -> int:
        """Put the item into a slot and return which one."""
        slot = self._next_add
        self._next_add = (slot + 1) % len(self._slots)
        self._slots[slot][item] = None
        return slot

    def discard(self, item: T, slot: int) -> None:
        """Take the item from this slot, if it is there."""
        self._slots[slot].pop(item, None)

    def turn(self) -> list[T]:
        """The items of the next slot."""
        slot = self._next_turn
        self._next_turn = (slot + 1) % len(self._slots)
        return list(self._slots[slot])


class Patience(Generic[T]):
    """Items that are waited for, and since when. They run out in the order in which they began: nothing is searched.

    >>> patience: Patience[str] = Patience()
    >>> patience.begin("a", now=1.0)
    >>> patience.begin("b", now=2.0)
    >>> list(patience.began_by(1.5)), len(patience)
    (['a'], 2)
    """

    def __init__(self) -> None:
        self._since: dict[T, float] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._since))

    def begin(self, item: T, now: float) -> None:
        """Wait for this item, from now on."""
        self._since.pop(item, None)
        self._since[item] = now
        self._empty.clear()

    def end(self, item: T) -> None:
        """Don't wait for it any more."""
        self._since.pop(item, None)
        if not self._since:
            self._empty.set()

    def began_by(self, moment: float) -> Iterator[T]:
        """Those that have been waited for since this moment or longer."""
        for item, since in list(self._since.items()):
            if since > moment:
                return
            yield item

    async def emptied(self) -> None:
        """Return when nothing is waited for."""
        await self._empty.wait()
