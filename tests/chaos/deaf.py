"""`pulsestage` without what makes up for a relay that loses things: proves that the chaos run's judge can judge.

It never compares what it knows with the log, and never reads what is missing.
"""

from __future__ import annotations

from pulsestage.cli import main
from pulsestage.realtime.follower import Follower
from pulsestage.realtime.hub import Hub


async def never_look(_hub: Hub) -> None:
    """Instead of reading the heads of the logs."""


def never_repair(_follower: Follower) -> None:
    """Instead of reading what a gap lacks."""


if __name__ == "__main__":
    setattr(Hub, "check", never_look)  # noqa: B010 - a type checker is right to mind
    setattr(Follower, "_repair", never_repair)  # noqa: B010
    main()
