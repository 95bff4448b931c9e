"""A place in a tenant's log, as clients see and return it."""

import re
from dataclasses import dataclass
from typing import Self

from pulsestage.realtime.errors import InvalidPosition

_EPOCH = re.compile(r"[0-9A-Za-z_-]{1,64}")
# Nineteen digits hold every signed 64-bit integer; one way to write each number, so that equal means equal.
_POSITION = re.compile(r"([0-9A-Za-z_-]{1,64})\.(0|[1-9][0-9]{0,18})")
_LARGEST_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Position:
    """`<epoch>.<seq>`: everything of this epoch up to and including event `seq` is known.

    `epoch` names one life of the log (1–64 characters of `0-9A-Za-z_-`), `seq` counts its events from 1; 0 knows
    nothing. So a position can't break a line of the stream, whatever a client sent. Raises InvalidPosition.

    >>> Position("7f3a", 1042)
    Position(epoch='7f3a', seq=1042)
    >>> str(Position("7f3a", 1042))
    '7f3a.1042'
    """

    epoch: str
    seq: int

    def __post_init__(self) -> None:
        if not _EPOCH.fullmatch(self.epoch) or not 0 <= self.seq <= _LARGEST_SEQ:
            raise InvalidPosition(f"not a position: epoch {self.epoch!r}, seq {self.seq!r}")

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that was written as this text. Raises InvalidPosition.

        >>> Position.parse("7f3a.1042").seq
        1042
        >>> Position.parse("7f3a.01042")
        Traceback (most recent call last):
        ...
        pulsestage.realtime.errors.InvalidPosition: not a position: '7f3a.01042'
        """
        match = _POSITION.fullmatch(text)
        if match is None:
            raise InvalidPosition(f"not a position: {text[:100]!r}")
        return cls(match[1], int(match[2]))
