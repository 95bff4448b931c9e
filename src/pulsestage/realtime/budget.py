"""A limit on how many bytes may be under way at the same time."""

import asyncio
from collections import deque


class ByteBudget:
    """So many bytes, lent in the order of asking. What is larger than the whole budget has it for itself.

    >>> async def main() -> None:
    ...     budget = ByteBudget(100)
    ...     first = await budget.borrow(80)
    ...     waiting = asyncio.ensure_future(budget.borrow(30))
    ...     await asyncio.sleep(0)
    ...     print(waiting.done())
    ...     budget.give_back(first)
    ...     print(await waiting)
    >>> asyncio.run(main())
    False
    30
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def borrow(self, count: int) -> int:
        """Wait until there is room for this many bytes. Returns how many to give back."""
        count = min(count, self._size)
        if self._waiting or count > self._left:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((count, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.give_back(count)  # its turn had come in the same moment
                else:
                    self._waiting.remove((count, turn))
                    self._let_in()
                raise
        else:
            self._left -= count
        return count

    def give_back(self, count: int) -> None:
        """These bytes are gone from memory."""
        self._left += count
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            count, turn = self._waiting.popleft()
            if turn.cancelled():
                continue
            self._left -= count
            turn.set_result(None)
